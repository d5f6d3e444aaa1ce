package main

import (
	"fmt"

	"folio/invoices"
)

type restoredCmd struct {
	database
	Strict string `help:"Begin no era, but say how strict series go on in the present one: continue (all, where their documents end: nothing was lost) or skip-to N (the one of --series, above N: its documents up to there may be lost)." enum:"continue,skip-to," default:"" env:"FOLIO_STRICT"`
	To     int64  `arg:"" optional:"" help:"N of --strict skip-to."`
	Series string `help:"Of --strict skip-to: tenant/series/period." env:"FOLIO_SERIES"`
}

// Run begins a new era, which waits for what is in flight, or lets strict series
// go on in the present one.
func (c *restoredCmd) Run(cmd command) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Strict != "" {
		return c.goOn(cmd)
	}
	return c.withDB(func(db *invoices.DB) error {
		era, err := db.RaiseEpoch(cmd.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.stdout, "a new era begins: %s; every holder is fenced, and numbers of earlier blocks without a document become void; strict series wait for folio restored --strict\n", era)
		return nil
	})
}
