package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

// strictCounters returns the counters of the strict series that were asked for;
// none if Postgres was not given.
func (c *ledgerShowCmd) strictCounters(ctx context.Context) (selected []invoices.StrictCounter, err error) {
	if c.DatabaseURL == "" && c.DatabaseURLFile == "" {
		return nil, nil
	}
	parts := append(strings.Split(c.Series, "/"), "", "")
	err = database{DatabaseURL: c.DatabaseURL, DatabaseURLFile: c.DatabaseURLFile}.withDB(func(db *invoices.DB) error {
		all, err := db.StrictCounters(ctx, parts[0], parts[1])
		for _, s := range all {
			if parts[2] == "" || s.String() == c.Series {
				selected = append(selected, s)
			}
		}
		return err
	})
	return selected, err
}

func printStrict(w io.Writer, s invoices.StrictCounter) {
	fmt.Fprintf(w, "%s   mark %d, strict: its counter is in Postgres, nothing is held or free\n", s.Series, s.Mark)
	if s.Suspended {
		fmt.Fprintf(w, "  suspended until you say how it goes on: folio restored --strict\n")
	}
	fmt.Fprintf(w, "  finished  %s, issued or void\n", plural(s.Mark-s.First+1, "number", "numbers"))
}

// The words of --strict.
const (
	strictContinue = "continue"
	strictSkipTo   = "skip-to"
)

// goOn says how strict series go on in the present era.
func (c *restoredCmd) goOn(cmd command) error {
	if c.Strict == strictContinue {
		return c.withDB(func(db *invoices.DB) error {
			era, err := db.ContinueStrict(cmd.ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.stdout, "strict series go on where their documents end, in era %s\n", era)
			return nil
		})
	}
	s, err := parseSeries(c.Series[0])
	if err != nil {
		return err
	}
	return c.withWitness(cmd, c.database, &invoices.Witness{}, func(db *invoices.DB, _ *etcdstore.Store) error {
		voided, err := db.SkipStrict(cmd.ctx, s, c.To)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.stdout, "%s goes on with number %d; %s void\n", s, c.To+1, plural(voided, "number is", "numbers are"))
		return nil
	})
}

// parseSeries reads tenant/series/period, with "-" for no period.
func parseSeries(path string) (counter.Series, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return counter.Series{}, fmt.Errorf("%q: want tenant/series/period, with - for the period of a series that never restarts", path)
	}
	return counter.Series{Tenant: parts[0], Name: parts[1], Period: strings.TrimPrefix(parts[2], "-")}, nil
}
