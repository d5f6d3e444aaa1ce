package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

type importCmd struct {
	database
	etcd
	File         string `arg:"" help:"The file, .csv or .jsonl; - is the standard input, which cannot be taken up again."`
	Tenant       string `help:"Whose documents they are; an export names its tenant itself." env:"FOLIO_IMPORT_TENANT"`
	Format       string `help:"csv or jsonl; by the file's name if not given." env:"FOLIO_IMPORT_FORMAT"`
	CreateTenant bool   `help:"Make the tenant of an export." env:"FOLIO_IMPORT_CREATE_TENANT"`
	DryRun       bool   `help:"Check everything, store nothing." env:"FOLIO_IMPORT_DRY_RUN"`
	MostVoids    int64  `help:"Refuse a file that makes more numbers void." env:"FOLIO_IMPORT_MOST_VOIDS" default:"1000000"`
	Show         int    `help:"How many problems to name." env:"FOLIO_IMPORT_SHOW" default:"20"`
}

// Run moves documents in.
func (c *importCmd) Run(cmd command) error {
	format, err := c.format()
	if err != nil {
		return err
	}
	var in io.Reader = struct{ io.Reader }{os.Stdin} // it does not seek
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	shown := newProgress(cmd.stderr)
	im := invoices.Import{
		Tenant: c.Tenant, Format: format, CreateTenant: c.CreateTenant, DryRun: c.DryRun,
		MostVoids: c.MostVoids, Show: c.Show, Progress: shown.show,
	}
	return c.withWitness(cmd, c.database, &invoices.Witness{}, func(db *invoices.DB, store *etcdstore.Store) error {
		im.DB = db
		run := func(a *counter.Allocator, store *etcdstore.Store) error {
			im.Counter, im.Ledgers = a, store
			report, err := im.Run(cmd.ctx, in)
			shown.end()
			if err == nil {
				printImport(cmd.stdout, report, c.DryRun)
			}
			return err
		}
		if !c.DryRun {
			return c.withAllocator(cmd, db, "import", run)
		}
		return run(nil, store)
	})
}

func (c *importCmd) format() (string, error) {
	format := c.Format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), ".")
	}
	if format != "csv" && format != "jsonl" {
		return "", errors.New("is the file CSV or lines of JSON? Name it .csv or .jsonl, or say --format csv or --format jsonl")
	}
	return format, nil
}

func printImport(w io.Writer, r invoices.ImportReport, dry bool) {
	verb := "imported"
	switch {
	case dry:
		verb = "the file is good, nothing was stored:"
	case r.Before:
		verb = "an earlier run had stored the rows:"
	case r.Resumed > 0:
		verb = fmt.Sprintf("went on after line %d; imported", r.Resumed)
	}
	fmt.Fprintf(w, "%s %s of %s\n", verb, plural(r.Rows, "row", "rows"), r.Tenant)
	for _, s := range r.Series {
		between := ""
		if n := s.Range.Len() - s.Rows; n > 0 {
			between = fmt.Sprintf(", %s between them without a row", plural(n, "number", "numbers"))
		}
		fmt.Fprintf(w, "  %-50s %s from %d to %d%s\n", s.Series, plural(s.Rows, "row", "rows"), s.First, s.Last, between)
	}
}
