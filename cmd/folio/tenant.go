package main

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // the zones of tenants, wherever the binary runs

	"folio/invoices"
)

type tenantCmd struct {
	Create tenantCreateCmd `cmd:"" help:"Make a tenant with its first API key, which is shown once."`
	List   tenantListCmd   `cmd:"" help:"List the tenants."`
	Export tenantExportCmd `cmd:"" help:"Write everything of a tenant to the standard output, as lines of JSON; folio import reads it."`
}

type tenantCreateCmd struct {
	database
	Name string `arg:"" help:"Its name: lower-case letters, digits and hyphens."`
	Zone string `help:"Its time zone (IANA); decides what today is." env:"FOLIO_TIME_ZONE" default:"UTC"`
	JSON bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run makes the tenant.
func (c *tenantCreateCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		t, key, text, err := db.CreateTenant(cmd.ctx, c.Name, c.Zone)
		if errors.Is(err, invoices.ErrExists) {
			return fmt.Errorf("tenant %q exists already; folio key create %s makes another key", c.Name, c.Name)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(cmd, newKey{Tenant: t.Name, KeyID: key.ID, APIKey: text})
		}
		fmt.Fprintf(cmd.stdout, "tenant   %s\nzone     %s\nkey id   %s\nAPI key  %s   (shown only now)\n", t.Name, t.TimeZone, key.ID, text)
		return nil
	})
}

type tenantListCmd struct {
	database
	JSON bool `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run lists the tenants.
func (c *tenantListCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		tenants, err := db.ListTenants(cmd.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(cmd, tenants)
		}
		for _, t := range tenants {
			fmt.Fprintf(cmd.stdout, "%-40s %-20s since %s\n", t.Name, t.TimeZone, t.CreatedAt.Format(time.DateOnly))
		}
		return nil
	})
}
