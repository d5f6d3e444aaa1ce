package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	_ "time/tzdata" // the zones of tenants, wherever the binary runs

	"folio/invoices"
	"folio/invoices/document"
)

type tenantCmd struct {
	Create tenantCreateCmd `cmd:"" help:"Make a tenant with its first API key, which is shown once."`
	Set    tenantSetCmd    `cmd:"" help:"Change what a tenant says of itself; only what is given changes. Issued documents stay as they are."`
	Show   tenantShowCmd   `cmd:"" help:"Print a tenant."`
	List   tenantListCmd   `cmd:"" help:"List the tenants."`
	Export tenantExportCmd `cmd:"" help:"Write everything of a tenant to the standard output, as lines of JSON; folio import reads it."`
}

type tenantCreateCmd struct {
	database
	Name       string `arg:"" help:"Its name: lower-case letters, digits and hyphens."`
	Zone       string `help:"Its time zone (IANA); decides what today is." env:"FOLIO_TIME_ZONE" default:"UTC"`
	LegalName  string `help:"Its name as documents print it." env:"FOLIO_LEGAL_NAME"`
	TaxID      string `help:"Its tax id as documents print it." name:"tax-id" env:"FOLIO_TAX_ID"`
	Street     string `help:"Of its address." env:"FOLIO_STREET"`
	Locality   string `help:"Of its address: the town." env:"FOLIO_LOCALITY"`
	Region     string `help:"Of its address." env:"FOLIO_REGION"`
	PostalCode string `help:"Of its address." env:"FOLIO_POSTAL_CODE"`
	Country    string `help:"Of its address: ISO 3166-1, two capital letters." env:"FOLIO_COUNTRY"`
	Currency   string `help:"Of drafts that name none: ISO 4217." env:"FOLIO_CURRENCY"`
	JSON       bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run makes the tenant.
func (c *tenantCreateCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		t, key, text, err := db.CreateTenant(cmd.ctx, invoices.Tenant{
			Name: c.Name, TimeZone: c.Zone, LegalName: c.LegalName, TaxID: c.TaxID, DefaultCurrency: c.Currency,
			Address: &document.Address{Street: c.Street, Locality: c.Locality, Region: c.Region, PostalCode: c.PostalCode, Country: c.Country},
		})
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

// tenantSetCmd has no environment variables but the database's: one that stands
// there for another command must not change what is stored.
type tenantSetCmd struct {
	database
	Name       string  `arg:"" help:"The tenant."`
	Zone       *string `help:"Its time zone (IANA)."`
	LegalName  *string `help:"Its name as documents print it; empty for none."`
	TaxID      *string `help:"Its tax id as documents print it." name:"tax-id"`
	Street     *string `help:"Of its address."`
	Locality   *string `help:"Of its address: the town."`
	Region     *string `help:"Of its address."`
	PostalCode *string `help:"Of its address."`
	Country    *string `help:"Of its address: ISO 3166-1, two capital letters."`
	Currency   *string `help:"Of drafts that name none: ISO 4217."`
	JSON       bool    `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run changes the tenant.
func (c *tenantSetCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		t, err := db.ChangeTenant(cmd.ctx, c.Name, c.change)
		if err != nil {
			return err
		}
		return printTenant(cmd, t, c.JSON)
	})
}

func (c *tenantSetCmd) change(t *invoices.Tenant) error {
	var a document.Address
	if t.Address != nil {
		a = *t.Address
	}
	for _, f := range []struct {
		given *string
		field *string
	}{
		{c.Zone, &t.TimeZone}, {c.LegalName, &t.LegalName}, {c.TaxID, &t.TaxID}, {c.Currency, &t.DefaultCurrency},
		{c.Street, &a.Street}, {c.Locality, &a.Locality}, {c.Region, &a.Region}, {c.PostalCode, &a.PostalCode}, {c.Country, &a.Country},
	} {
		if f.given != nil {
			*f.field = *f.given
		}
	}
	t.Address = &a
	return nil
}

type tenantShowCmd struct {
	database
	Name string `arg:"" help:"The tenant."`
	JSON bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run prints the tenant.
func (c *tenantShowCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		t, err := db.Tenant(cmd.ctx, c.Name)
		if err != nil {
			return err
		}
		return printTenant(cmd, t, c.JSON)
	})
}

func printTenant(cmd command, t invoices.Tenant, asJSON bool) error {
	if asJSON {
		return printJSON(cmd, t)
	}
	for _, line := range [][2]string{
		{"tenant", t.Name}, {"zone", t.TimeZone}, {"legal name", t.LegalName}, {"tax id", t.TaxID},
		{"address", addressLine(t.Address)}, {"currency", t.DefaultCurrency}, {"since", t.CreatedAt.Format(time.DateOnly)},
	} {
		printLine(cmd.stdout, line[0], line[1])
	}
	return nil
}

func printLine(w io.Writer, name, value string) {
	fmt.Fprintf(w, "%-10s  %s\n", name, cmp.Or(value, "-"))
}

func addressLine(a *document.Address) string {
	if a == nil {
		return ""
	}
	parts := []string{a.Street, strings.TrimSpace(a.PostalCode + " " + a.Locality), a.Region, a.Country}
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, ", ")
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
			fmt.Fprintf(cmd.stdout, "%-40s %-20s since %s  %s\n", t.Name, t.TimeZone, t.CreatedAt.Format(time.DateOnly), t.LegalName)
		}
		return nil
	})
}
