package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

// leaseOfTools is how long a tool that was killed outlives its last sign of life, in
// seconds.
const leaseOfTools = 10

// withAllocator runs an allocator of a tool's own while do works: a holder like that
// of a replica, which hands back what it has at the end.
func (e etcd) withAllocator(cmd command, db *invoices.DB, tool string, do func(*counter.Allocator, *etcdstore.Store) error) error {
	if err := db.Check(cmd.ctx); err != nil {
		return err
	}
	client, err := e.dial(cmd.ctx, e.EtcdEndpoints)
	if err != nil {
		return err
	}
	defer client.Close()
	store := &etcdstore.Store{Client: client, TTL: leaseOfTools}
	host, err := os.Hostname()
	if err != nil {
		host = "" // for people only
	}
	a := &counter.Allocator{Config: counter.Config{
		Store: store, Owner: &invoices.Owner{DB: db}, Rules: (&invoices.CounterRules{DB: db}).Rules,
		Pod: tool, Node: host, Build: buildVersion(),
	}}
	ctx, stop := context.WithCancel(context.Background()) // it hands back even after ^C
	var running sync.WaitGroup
	var ended error
	running.Go(func() { ended = a.Run(ctx) })
	err = do(a, store)
	stop()
	running.Wait()
	return errors.Join(err, ended)
}
