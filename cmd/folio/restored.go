package main

import (
	"fmt"

	"folio/invoices"
)

type restoredCmd struct{ database }

// Run begins a new era. It waits for what is in flight.
func (c *restoredCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		era, err := db.RaiseEpoch(cmd.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.stdout, "a new era begins: %s; every holder is fenced, and numbers of earlier blocks without a document become void\n", era)
		return nil
	})
}
