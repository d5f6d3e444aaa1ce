package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"folio/counter"
)

// Ledgers is the counter's store, as far as the audit reads it. One that also is a
// counter.PageLoader or a counter.BulkLoader is read in pages; one that tells who is
// registered (Alive, of counter.Store) is asked before a holder is called unknown.
type Ledgers interface {
	Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error)
	List(ctx context.Context, tenant, name string) ([]counter.Series, error)
}

// ledgersTimeout bounds one answer of the store.
const ledgersTimeout = 10 * time.Second

// loadPage reads a page of ledgers from any store. One that reads no pages is asked
// for one after the other, and its revision stays unknown.
func loadPage(ctx context.Context, ledgers Ledgers, selected counter.Selection, from string) (counter.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgersTimeout)
	defer cancel()
	if pages, ok := ledgers.(counter.PageLoader); ok {
		return pages.LoadPage(ctx, selected, from)
	}
	all, err := ledgers.List(ctx, selected.Tenant, selected.Name)
	if err != nil {
		return counter.Page{}, fmt.Errorf("list the ledgers: %w", err)
	}
	all = slices.DeleteFunc(all, func(s counter.Series) bool { return !selected.Selects(s) || s.String() < from })
	slices.SortFunc(all, byName)
	var page counter.Page
	if len(all) > counter.MaxSwaps {
		page.Next, all = all[counter.MaxSwaps].String(), all[:counter.MaxSwaps]
	}
	loaded, err := loadLedgers(ctx, ledgers, all)
	for i, l := range loaded {
		page.Ledgers = append(page.Ledgers, counter.Listed{Series: all[i], Loaded: l})
	}
	return page, err
}

// loadLedgers reads the ledgers of all, in the same order.
func loadLedgers(ctx context.Context, ledgers Ledgers, all []counter.Series) ([]counter.Loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgersTimeout)
	defer cancel()
	var loaded []counter.Loaded
	if bulk, ok := ledgers.(counter.BulkLoader); ok {
		for part := range slices.Chunk(all, counter.MaxSwaps) {
			more, err := bulk.LoadMany(ctx, part)
			if err != nil {
				return nil, err
			}
			loaded = append(loaded, more...)
		}
		return loaded, nil
	}
	for _, s := range all {
		l, version, err := ledgers.Load(ctx, s)
		if err != nil && !errors.Is(err, counter.ErrDamaged) {
			return nil, fmt.Errorf("read the ledger of %s: %w", s, err)
		}
		loaded = append(loaded, counter.Loaded{Ledger: l, Version: version, Err: err})
	}
	return loaded, nil
}

// loadOne reads the ledger of one series, and tells of which revision.
func loadOne(ctx context.Context, ledgers Ledgers, s counter.Series) (counter.Loaded, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	if _, ok := ledgers.(counter.PageLoader); ok {
		page, err := loadPage(ctx, ledgers, counter.Selection{Tenant: s.Tenant, Name: s.Name, Period: &s.Period}, "")
		if err != nil || len(page.Ledgers) == 0 {
			return counter.Loaded{}, page.Revision, err
		}
		return page.Ledgers[0].Loaded, page.Revision, nil
	}
	loaded, err := loadLedgers(ctx, ledgers, []counter.Series{s})
	if err != nil {
		return counter.Loaded{}, 0, err
	}
	return loaded[0], 0, nil
}

// registered returns the holders that are registered, as far as ledgers tells.
func registered(ctx context.Context, ledgers Ledgers) ([]string, error) {
	told, ok := ledgers.(interface {
		Alive(ctx context.Context) ([]string, error)
	})
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ledgersTimeout)
	defer cancel()
	names, err := told.Alive(ctx)
	if err != nil {
		return nil, fmt.Errorf("read who is registered: %w", err)
	}
	return names, nil
}
