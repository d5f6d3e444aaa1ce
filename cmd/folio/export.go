package main

import (
	"bufio"
	"errors"

	"folio/invoices"
)

type tenantExportCmd struct {
	database
	Name string `arg:"" help:"The tenant."`
}

// Run writes everything of the tenant, as lines of JSON.
func (c *tenantExportCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		out := bufio.NewWriterSize(cmd.stdout, 64<<10)
		return errors.Join(db.Export(cmd.ctx, c.Name, out), out.Flush())
	})
}
