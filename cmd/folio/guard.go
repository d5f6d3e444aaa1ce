package main

import (
	"context"
	"fmt"

	"folio/counter/etcdstore"
)

type guardCmd struct {
	etcd
	User string `help:"The common name of folio's certificate." env:"FOLIO_GUARD_USER" default:"folio"`
}

// Run guards etcd. It may run again.
func (c *guardCmd) Run(cmd command) error {
	ctx, cancel := context.WithTimeout(cmd.ctx, callTimeout)
	defer cancel()
	client, err := c.dial(ctx, c.EtcdEndpoints)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := etcdstore.Guard(ctx, client, c.User); err != nil {
		return err
	}
	fmt.Fprintf(cmd.stdout, "etcd asks everybody for a certificate; %s may touch /folio/, root everything\n", c.User)
	return nil
}
