package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"folio/invoices"
)

type seriesCmd struct {
	List   seriesListCmd   `cmd:"" help:"List the series of a tenant."`
	Show   seriesShowCmd   `cmd:"" help:"Print a series."`
	Set    seriesSetCmd    `cmd:"" help:"Make a series, or change what is given and leave the rest as it is."`
	Unused seriesUnusedCmd `cmd:"" help:"List the numbers of an authorised range that no document bears."`
}

// seriesArg names a series.
type seriesArg struct {
	Series string `arg:"" help:"tenant/series."`
}

func (a seriesArg) split() (tenant, name string, err error) {
	tenant, name, ok := strings.Cut(a.Series, "/")
	if !ok || tenant == "" || name == "" || strings.Contains(name, "/") {
		return "", "", fmt.Errorf("%q: want tenant/series", a.Series)
	}
	return tenant, name, nil
}

type seriesListCmd struct {
	database
	Tenant string `arg:"" help:"The tenant."`
	JSON   bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run lists the series.
func (c *seriesListCmd) Run(cmd command) error {
	return c.withDB(func(db *invoices.DB) error {
		all, err := db.ListSeries(cmd.ctx, c.Tenant)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printJSON(cmd, all)
		case len(all) == 0:
			return fmt.Errorf("tenant %q has no series: it does not exist", c.Tenant)
		}
		for _, s := range all {
			fmt.Fprintf(cmd.stdout, "%-24s %-30s %-6s %-7s %s\n", s.Name, s.Format, s.Period, s.Numbering, s.Document)
		}
		return nil
	})
}

type seriesShowCmd struct {
	database
	seriesArg
	JSON bool `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run prints a series.
func (c *seriesShowCmd) Run(cmd command) error {
	tenant, name, err := c.split()
	if err != nil {
		return err
	}
	return c.withDB(func(db *invoices.DB) error {
		s, err := (&invoices.SeriesBook{DB: db}).Find(cmd.ctx, tenant, name)
		if err != nil {
			return err
		}
		return tellSeries(cmd, s, c.JSON)
	})
}

func tellSeries(cmd command, s invoices.Series, asJSON bool) error {
	if asJSON {
		return printJSON(cmd, s)
	}
	printSeries(cmd.stdout, s)
	return nil
}

func printSeries(w io.Writer, s invoices.Series) {
	line := func(name string, value any) { fmt.Fprintf(w, "%-15s %v\n", name, value) }
	line("series", s.Tenant+"/"+s.Name)
	line("numbering", s.Numbering)
	line("format", s.Format)
	line("period", s.Period)
	line("start", s.Start)
	line("on loss", s.OnLoss)
	line("reuse within", s.ReuseWithin)
	if r := s.Range; r != nil {
		line("range", fmt.Sprintf("%d-%d", r.First, r.Last))
		line("expires on", orNever(r.ExpiresOn))
		line("warn left", r.WarnLeft)
	}
	line("document", s.Document)
	line("closed through", orNever(s.ClosedThrough))
}

func orNever(date string) string {
	if date == "" {
		return "never"
	}
	return date
}

type seriesUnusedCmd struct {
	database
	seriesArg
	Period *string `help:"2026, 2026-11, or - for a series that never restarts; the present one if not given." env:"FOLIO_PERIOD"`
	JSON   bool    `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run lists unused numbers.
func (c *seriesUnusedCmd) Run(cmd command) error {
	tenant, name, err := c.split()
	if err != nil {
		return err
	}
	if c.Period != nil && *c.Period == "-" {
		*c.Period = ""
	}
	return c.withDB(func(db *invoices.DB) error {
		who, err := speakFor(cmd.ctx, db, tenant)
		if err != nil {
			return err
		}
		left, err := (&invoices.SeriesBook{DB: db}).Unused(cmd.ctx, who, name, c.Period)
		if err != nil {
			return inSentences(err)
		}
		if c.JSON {
			return printJSON(cmd, left)
		}
		for _, r := range left.Ranges {
			fmt.Fprintln(cmd.stdout, r)
		}
		fmt.Fprintf(cmd.stdout, "%s unused\n", plural(left.Count, "number", "numbers"))
		return nil
	})
}

// speakFor is the identity of a tenant for whom the operator acts.
func speakFor(ctx context.Context, db *invoices.DB, tenant string) (invoices.Identity, error) {
	all, err := db.ListTenants(ctx)
	if err != nil {
		return invoices.Identity{}, err
	}
	for _, t := range all {
		if t.Name == tenant {
			zone, err := time.LoadLocation(t.TimeZone)
			return invoices.Identity{Tenant: tenant, Zone: zone}, err
		}
	}
	return invoices.Identity{}, fmt.Errorf("there is no tenant %q", tenant)
}
