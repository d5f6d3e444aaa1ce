package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

type restoredCmd struct {
	database
	etcd
	Skip           int64         `help:"etcd was restored too: how many numbers above the highest that is known of each series may have been given since; they become void." env:"FOLIO_SKIP"`
	Series         []string      `help:"tenant/series/period=N, repeatable: the highest number of that series that may have been given, as your customers know it; then --skip is not for it. Of --strict skip-to: tenant/series/period." env:"FOLIO_SERIES"`
	GiveUpTimeline uint64        `help:"Postgres was restored to an earlier timeline than this one, which is gone for ever." env:"FOLIO_GIVE_UP_TIMELINE"`
	Patience       time.Duration `help:"How long to wait for replicas to hand back what they hold of a series." env:"FOLIO_PATIENCE" default:"1m"`
	Strict         string        `help:"Begin no era, but say how strict series go on in the present one: continue (all, where their documents end: nothing was lost) or skip-to N (the one of --series, above N: its documents up to there may be lost)." enum:"continue,skip-to," default:"" env:"FOLIO_STRICT"`
	To             int64         `arg:"" optional:"" help:"N of --strict skip-to."`

	above map[counter.Series]int64 // what Series says
}

// Run begins a new era, which waits for what is in flight, and makes void what may
// have been lost; or lets strict series go on in the present era.
func (c *restoredCmd) Run(cmd command) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Strict != "" {
		return c.goOn(cmd)
	}
	w := &invoices.Witness{Announcing: true}
	return c.withWitness(cmd, c.database, w, func(db *invoices.DB, store *etcdstore.Store) error {
		r := &invoices.Restored{DB: db, Ledgers: store, Skip: c.Skip, Above: c.above, GiveUp: c.GiveUpTimeline, Patience: c.Patience}
		a, err := r.Announce(cmd.ctx)
		if err != nil {
			return err
		}
		if a.Was != "" {
			fmt.Fprintf(cmd.stdout, "seen of Postgres before: %s; now it stands at %s\n", a.Was, a.Now)
		}
		fmt.Fprintf(cmd.stdout, "a new era begins: %s; every holder is fenced\n", a.Era)
		if err := c.account(cmd, r, a.Era); err != nil {
			return err
		}
		if err := w.Raise(cmd.ctx, db); err != nil { // replicas would do it as well
			fmt.Fprintf(cmd.stderr, "folio: %v\n", err)
		}
		return nil
	})
}

// account makes void what may have been lost, and lets replicas go on.
func (c *restoredCmd) account(cmd command, r *invoices.Restored, era string) error {
	shown := newProgress(cmd.stderr)
	var void int64
	var names []string // of series whose numbers are void
	r.Progress = func(done, of int, one invoices.Recovered) {
		shown.show(invoices.ImportProgress{Doing: "account for every series", Bytes: int64(done), Size: int64(of)})
		void += printRecovered(cmd.stdout, one)
		if len(one.Void) > 0 {
			names = append(names, one.Series.String())
		}
	}
	var failed []invoices.Recovered
	err := c.withAllocator(cmd, r.DB, "restored", func(a *counter.Allocator, _ *etcdstore.Store) (err error) {
		r.Counter = a
		failed, err = r.Account(cmd.ctx, era)
		return err
	})
	shown.end()
	if err != nil {
		return fmt.Errorf("%w; nobody issues until folio restored was run again to its end", err)
	}
	if err := blocking(failed); err != nil {
		return fmt.Errorf("%w; nobody issues until folio restored was run again to its end", err)
	}
	if err := r.DB.Resume(context.WithoutCancel(cmd.ctx), era, len(failed) == 0); err != nil {
		return err
	}
	fmt.Fprintf(cmd.stdout, "%s void in %d series; replicas go on; strict series wait for folio restored --strict\n", plural(void, "number is", "numbers are"), len(names))
	if len(failed) > 0 {
		return fmt.Errorf("%d series have a damaged ledger and give no number: %s", len(failed), failed[0].Err)
	}
	return nil
}

// printRecovered prints what became void of one series.
func printRecovered(w io.Writer, one invoices.Recovered) (void int64) {
	for _, r := range one.Void {
		fmt.Fprintf(w, "%s   void: %s, %s\n", one.Series, r, plural(r.Len(), "number", "numbers"))
		void += r.Len()
	}
	return void
}

// blocking are the failures that a later run may cure. A damaged ledger is none: its
// series gives no number until somebody has repaired it.
func blocking(failed []invoices.Recovered) error {
	var all []error
	for _, one := range failed {
		if !errors.Is(one.Err, invoices.ErrLedgerDamaged) {
			all = append(all, fmt.Errorf("%s: %w", one.Series, one.Err))
		}
	}
	const most = 10
	if n := len(all); n > most {
		all = append(all[:most], fmt.Errorf("and %d series more", n-most))
	}
	return errors.Join(all...)
}

// check refuses what is not all said, or too much.
func (c *restoredCmd) check() error {
	if c.Strict == strictSkipTo {
		if c.To < 1 || len(c.Series) != 1 {
			return fmt.Errorf("--strict skip-to wants the number to skip to, and --series tenant/series/period")
		}
		return nil
	}
	switch {
	case c.To != 0:
		return fmt.Errorf("a number belongs to --strict skip-to")
	case c.Strict != "" && (len(c.Series) > 0 || c.Skip != 0 || c.GiveUpTimeline != 0):
		return fmt.Errorf("--strict continue is for all strict series, and takes no other word")
	case c.Skip < 0 || c.Skip > counter.MaxNumber:
		return fmt.Errorf("--skip %d: want how many numbers may have been given, at least 0", c.Skip)
	}
	c.above = make(map[counter.Series]int64)
	for _, text := range c.Series {
		path, number, ok := strings.Cut(text, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || n < 1 || n > counter.MaxNumber {
			return fmt.Errorf("--series %q: want tenant/series/period=N, N the highest number that may have been given", text)
		}
		s, err := parseSeries(path)
		if err != nil {
			return err
		}
		c.above[s] = n
	}
	return nil
}
