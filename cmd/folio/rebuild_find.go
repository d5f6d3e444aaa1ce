package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

// wanting is a block series whose ledger does not cover all rows.
type wanting struct {
	counter.Series
	highest int64 // the highest number that has a row
	mark    int64
	missing bool
	damage  error // set: the ledger cannot be read
	spent   bool  // some number that it calls free has a row
}

// trouble says what is wrong with the ledger.
func (w wanting) trouble() string {
	switch {
	case errors.Is(w.damage, etcdstore.ErrNewer):
		return "a newer folio wrote the ledger, it is left alone"
	case w.damage != nil:
		return fmt.Sprintf("the ledger cannot be read, documents go up to %d", w.highest)
	case w.missing:
		return fmt.Sprintf("there is no ledger, documents go up to %d", w.highest)
	case w.mark >= w.highest:
		return "numbers that the ledger calls free have documents"
	}
	return fmt.Sprintf("the mark is %d, documents go up to %d", w.mark, w.highest)
}

// surveyed is what a look at all ledgers found.
type surveyed struct {
	all     int // block series that have a ledger or rows
	wanting []wanting
}

// surveyLedgers looks for ledgers that do not cover all rows. The rows are read
// first: so in peace no row lies above a mark. Ledgers are read many at a time: what
// needs nothing costs a share of a read.
func surveyLedgers(ctx context.Context, db *invoices.DB, store *etcdstore.Store, filter counter.Selection) (surveyed, error) {
	heights, err := db.Heights(ctx, filter)
	if err != nil {
		return surveyed{}, err
	}
	strict, err := db.StrictNames(ctx)
	if err != nil {
		return surveyed{}, err
	}
	listCtx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ledgers, err := store.List(listCtx, filter.Tenant, filter.Name)
	if err != nil {
		return surveyed{}, fmt.Errorf("list the ledgers: %w", err)
	}
	highest := make(map[counter.Series]int64, len(heights))
	all := make([]counter.Series, 0, len(heights))
	for _, h := range heights {
		highest[h.Series] = h.Highest
		all = append(all, h.Series)
	}
	for _, s := range ledgers {
		if _, known := highest[s]; !known && !strict(s) && (filter.Period == nil || *filter.Period == s.Period) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b counter.Series) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Period, b.Period))
	})
	found := surveyed{all: len(all)}
	for page := range slices.Chunk(all, counter.MaxSwaps) {
		more, err := wantingOf(ctx, db, store, page, highest)
		if err != nil {
			return surveyed{}, err
		}
		found.wanting = append(found.wanting, more...)
	}
	return found, nil
}

// wantingOf reads the ledgers of a page and returns those that want something.
func wantingOf(ctx context.Context, db *invoices.DB, store *etcdstore.Store, page []counter.Series, highest map[counter.Series]int64) ([]wanting, error) {
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	loaded, err := store.LoadMany(callCtx, page)
	if err != nil {
		return nil, err
	}
	spent, err := freeAndSpent(callCtx, db, page, loaded)
	if err != nil {
		return nil, err
	}
	var found []wanting
	for i, s := range page {
		w := wanting{Series: s, highest: highest[s], mark: loaded[i].Ledger.Mark, damage: loaded[i].Err, spent: spent[s]}
		w.missing = w.damage == nil && loaded[i].Version == ""
		if w.damage != nil || w.spent || w.mark < w.highest {
			found = append(found, w)
		}
	}
	return found, nil
}

// freeAndSpent returns the series of which some number is called free and has a row.
func freeAndSpent(ctx context.Context, db *invoices.DB, page []counter.Series, loaded []counter.Loaded) (map[counter.Series]bool, error) {
	var free []invoices.SeriesRange
	for i, s := range page {
		for _, f := range loaded[i].Ledger.Free {
			free = append(free, invoices.SeriesRange{Series: s, Range: f.Range})
		}
	}
	if len(free) == 0 {
		return nil, nil
	}
	have, err := db.HaveRows(ctx, free)
	if err != nil {
		return nil, err
	}
	spent := make(map[counter.Series]bool)
	for i, f := range free {
		spent[f.Series] = spent[f.Series] || have[i]
	}
	return spent, nil
}

// remove takes a value that cannot be read out of the way, once it is kept: exactly
// that value, for a replica or another rebuild may have made the ledger anew.
func (r *rebuild) remove(ctx context.Context, s counter.Series) error {
	for {
		loaded, err := r.store.LoadMany(ctx, []counter.Series{s})
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", counter.ErrUnavailable, err)
		case loaded[0].Err == nil:
			return nil
		case errors.Is(loaded[0].Err, etcdstore.ErrNewer):
			return fmt.Errorf("%w; rebuild it with that program", loaded[0].Err)
		}
		if err := r.keep(s, loaded[0]); err != nil {
			return err
		}
		err = r.store.Remove(ctx, s, loaded[0].Version)
		if err != nil && !errors.Is(err, counter.ErrConflict) {
			return fmt.Errorf("%w: %w", counter.ErrUnavailable, err)
		}
	}
}

// keep prints a value that is to be removed, and appends it to the file if one was
// named: quoted, so that nothing of it is lost.
func (r *rebuild) keep(s counter.Series, was counter.Loaded) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("%s %s %q\n", time.Now().UTC().Format(time.RFC3339), s, string(was.Version))
	if r.save != "" {
		f, err := os.OpenFile(r.save, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("keep the ledger of %s: %w", s, err)
		}
		_, err = f.WriteString(line)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("keep the ledger of %s: %w", s, err)
		}
	}
	_, err := fmt.Fprintf(r.cmd.stderr, "folio: removing what cannot be read (%v): %s", was.Err, line)
	if err != nil {
		return fmt.Errorf("print the ledger of %s before it is removed: %w", s, err)
	}
	return nil
}
