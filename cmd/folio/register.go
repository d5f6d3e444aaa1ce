package main

import (
	"bufio"
	"errors"
	"fmt"

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
	return withBooks(cmd, c.database, c.etcd, s.Tenant, func(books *invoices.Books, who invoices.Asker) error {
		out := bufio.NewWriterSize(cmd.stdout, 64<<10)
		to, err := register.NewWriter(out, c.Format)
		if err != nil {
			return err
		}
		if err = books.Register(cmd.ctx, who, s.Name, &s.Period, to); err != nil {
			err = fmt.Errorf("%s: %w", c.Series, err)
		}
		return errors.Join(err, out.Flush())
	})
}
