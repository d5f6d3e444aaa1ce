package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
)

type statementCmd struct {
	database
	etcd
	Series string `arg:"" help:"tenant/series/period; - is the period of a series that never restarts."`
	JSON   bool   `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run states what became of every number of a series. The exit status is 1 if one is
// unaccounted for or something else is wrong.
func (c *statementCmd) Run(cmd command) error {
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
		said, err := books.Statement(cmd.ctx, who, s.Name, &s.Period)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Series, err)
		}
		if c.JSON {
			err = printJSON(cmd, said)
		} else {
			printStatement(cmd.stdout, s, said)
		}
		if err == nil && (said.Unaccounted.Count > 0 || len(said.Findings) > 0) {
			err = errFindings
		}
		return err
	})
}

// printStatement writes a statement as a person reads it, each range of it.
func printStatement(w io.Writer, of counter.Series, s invoices.Statement) {
	fmt.Fprintf(w, "%s   numbers from %d to %d\n", of, s.First, s.Mark)
	line := func(kind string, of accounts.Numbers) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-12s %9d   %s", kind, of.Count, rangesLine(of.Ranges)), " "))
	}
	line("issued", s.Issued)
	line("void", s.Void.Numbers)
	for _, r := range s.Void.Reasons {
		fmt.Fprintf(w, "    %-20s %d: %s\n", r.Reason, r.Count, rangesLine(r.Ranges))
	}
	line("held", s.Held.Numbers)
	for _, b := range s.Held.Blocks {
		fmt.Fprintf(w, "    block %-8d %d: %s by %s (pod %s) since %s\n", b.Serial, b.Count, rangesLine(b.Ranges), b.Holder, b.Pod, b.Since.Format(time.RFC3339))
	}
	line("free", s.Free)
	line("unaccounted", s.Unaccounted)
	for _, f := range s.Findings {
		fmt.Fprintf(w, "  FINDING   %s: %s\n", f.Kind, f.Text)
	}
	revision := "unknown"
	if s.AsOf.Revision != 0 {
		revision = fmt.Sprint(s.AsOf.Revision)
	}
	fmt.Fprintf(w, "  as of etcd revision %s, Postgres snapshot %s, %s\n", revision, s.AsOf.Snapshot, s.AsOf.At.Format(time.RFC3339))
}

// rangesLine names all ranges.
func rangesLine(ranges []counter.Range) string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = r.String()
	}
	return strings.Join(texts, ", ")
}
