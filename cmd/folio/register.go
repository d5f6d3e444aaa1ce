package main

import (
	"bufio"
	"errors"

	"folio/invoices"
	"folio/invoices/register"
)

type registerCmd struct {
	database
	etcd
	Series string `arg:"" help:"tenant/series/period; - is the period of a series that never restarts."`
	Format string `help:"csv, json or html (a page that prints)." enum:"csv,json,html" default:"csv" env:"FOLIO_REGISTER_FORMAT"`
}

// Run writes the register of a series: every number in order.
func (c *registerCmd) Run(cmd command) error {
	s, err := parseSeries(c.Series)
	if err != nil {
		return err
	}
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return c.withDB(func(db *invoices.DB) error {
		books := &invoices.Books{DB: db, Ledgers: store}
		who, err := books.Operator(cmd.ctx, s.Tenant)
		if err != nil {
			return err
		}
		out := bufio.NewWriterSize(cmd.stdout, 64<<10)
		to, err := register.NewWriter(out, c.Format)
		if err != nil {
			return err
		}
		err = books.Register(cmd.ctx, who, s.Name, &s.Period, to)
		return errors.Join(err, out.Flush())
	})
}
