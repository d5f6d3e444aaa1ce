package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
	"folio/invoices/document"
)

type seekCmd struct {
	database
	etcd
	Series   string        `arg:"" help:"tenant/series/period; - is the period of a series that never restarts."`
	Number   int64         `arg:"" help:"No number up to this one is given any more."`
	Reason   string        `help:"Why what is skipped is void, as the books will say." env:"FOLIO_SEEK_REASON" required:""`
	Patience time.Duration `help:"How long to wait for replicas to hand back what they hold." env:"FOLIO_SEEK_PATIENCE" default:"1m"`
}

// maxSeekReason bounds a reason, in characters.
const maxSeekReason = 200

// Run moves a series forward on every replica.
func (c *seekCmd) Run(cmd command) error {
	filter, err := selection(c.Series)
	if err != nil || filter.Period == nil {
		return fmt.Errorf("%q: want tenant/series/period", c.Series)
	}
	if strings.TrimSpace(c.Reason) == "" {
		return errors.New("--reason is empty; say why the numbers are void")
	}
	if fault := document.LineFault(c.Reason, maxSeekReason); fault != "" {
		return fmt.Errorf("--reason %s", fault)
	}
	if c.Number < 1 || c.Number > counter.MaxNumber {
		return fmt.Errorf("%d is no number to seek to; want 1 to %d", c.Number, int64(counter.MaxNumber))
	}
	s := counter.Series{Tenant: filter.Tenant, Name: filter.Name, Period: *filter.Period}
	return c.withWitness(cmd, c.database, &invoices.Witness{}, func(db *invoices.DB, _ *etcdstore.Store) error {
		if err := maySeek(cmd.ctx, db, s); err != nil {
			return err
		}
		return c.withAllocator(cmd, db, "seek", func(a *counter.Allocator, _ *etcdstore.Store) error {
			ctx, cancel := context.WithTimeout(cmd.ctx, c.Patience)
			defer cancel()
			if err := a.Seek(invoices.AskedByOperator(ctx), s, c.Number, c.Reason); err != nil {
				return err
			}
			fmt.Fprintf(cmd.stdout, "%s: no number up to %d is given any more; what was skipped is void: %s\n", s, c.Number, c.Reason)
			return nil
		})
	})
}

// maySeek refuses a series that does not exist.
func maySeek(ctx context.Context, db *invoices.DB, s counter.Series) error {
	rules, err := (&invoices.SeriesBook{DB: db}).Find(ctx, s.Tenant, s.Name)
	if err == nil {
		err = hasGaps(rules, s.Period)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}

// hasGaps refuses a series whose numbers cannot be skipped, and a period that is none
// of its own.
func hasGaps(rules invoices.Series, period string) error {
	if rules.Numbering == "strict" {
		return errors.New("the series is strict: its numbers have no gaps, so none can be skipped; make another series instead")
	}
	if !document.PeriodRule(rules.Period).Fits(period) {
		return fmt.Errorf("the periods of the series are by the rule %q; name one of them (- if the rule is none)", rules.Period)
	}
	return nil
}
