package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"folio/invoices"
)

// withDB opens Postgres for a command.
func (d database) withDB(do func(*invoices.DB) error) error {
	db, err := invoices.Open(d.config())
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// migrateWait is how long folio migrate waits for Postgres to come up.
const migrateWait = time.Minute

type migrateCmd struct{ database }

// Run brings the schema up to date, waiting for Postgres if it is not up yet.
func (c *migrateCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		ctx, cancel := context.WithTimeout(cmd.ctx, migrateWait)
		defer cancel()
		for {
			err := db.Migrate(ctx)
			if !retryable(err) || ctx.Err() != nil {
				return err
			}
			fmt.Fprintf(cmd.stderr, "folio: Postgres is not there yet, waiting: %v\n", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	})
}

// retryable reports whether waiting may cure err.
func retryable(err error) bool { return errors.Is(err, invoices.ErrUnavailable) }

// printJSON writes v on a line of its own.
func printJSON(cmd command, v any) error {
	enc := json.NewEncoder(cmd.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
