package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
)

// withoutRow returns the numbers of whole, ascending and apart, that have no document.
// Those that lie close together are read by one statement, each with the era: had they
// been read one after the other, documents of one history could be taken for those of
// another. An era that is not the given one gives ErrUnavailable.
func withoutRow(ctx context.Context, q sqlx.QueryerContext, era string, s counter.Series, whole []counter.Range) ([]counter.Range, error) {
	const query = `
		select current_era() as era, coalesce(runs.first, 0) as first, coalesce(runs.last, 0) as last
		from (values (1)) as always left join (` + selectRuns + `) as runs on true
		order by runs.first`
	var left []counter.Range
	for _, part := range accounts.Windows(whole, readAtOnce) {
		within := hull(part)
		var rows []struct {
			Era   string `db:"era"`
			First int64  `db:"first"`
			Last  int64  `db:"last"`
		}
		doing := fmt.Sprintf("look for numbers of %s without a document in %s", s, within)
		if err := sqlx.SelectContext(ctx, q, &rows, query, s.Tenant, s.Name, s.Period, within.First, within.Last); err != nil {
			return nil, wrap(doing, err)
		}
		var used []counter.Range
		for _, r := range rows {
			if r.Era != era {
				return nil, fmt.Errorf("%s: %w: the era is %s, no longer %s", doing, ErrUnavailable, r.Era, era)
			}
			if r.First > 0 {
				used = append(used, counter.Range{First: r.First, Last: r.Last})
			}
		}
		left = append(left, accounts.Without(part, accounts.Merged(used))...)
	}
	return accounts.Merged(left), nil
}

// blockSeries lists every series that has a ledger or a document, and whose numbers
// are not given by a counter in Postgres.
func blockSeries(ctx context.Context, db *DB, ledgers Ledgers) ([]counter.Series, error) {
	all, err := blockLedgers(ctx, db, ledgers)
	if err != nil {
		return nil, err
	}
	heights, err := db.Heights(ctx, counter.Selection{})
	for _, h := range heights {
		all = append(all, h.Series)
	}
	return sortedSeries(all), err
}

// blockLedgers lists the series that have a ledger and are not strict. A ledger of a
// strict series is nobody's, and is for the audit to find.
func blockLedgers(ctx context.Context, db *DB, ledgers Ledgers) ([]counter.Series, error) {
	strict, err := db.StrictNames(ctx)
	if err != nil {
		return nil, err
	}
	all, err := listLedgers(ctx, ledgers)
	return slices.DeleteFunc(all, strict), err
}

// listLedgers lists the series that have a ledger. Keys among them that name none
// are for the audit to find: they hold up nothing.
func listLedgers(ctx context.Context, ledgers Ledgers) ([]counter.Series, error) {
	var all []counter.Series
	for from, last := "", false; !last; {
		page, err := loadPage(ctx, ledgers, counter.Selection{}, from)
		if err != nil {
			return nil, err
		}
		for _, l := range page.Ledgers {
			all = append(all, l.Series)
		}
		from, last = page.Next, page.Next == ""
	}
	return all, nil
}

// sortedSeries sorts all, and leaves each in it once.
func sortedSeries(all []counter.Series) []counter.Series {
	slices.SortFunc(all, byName)
	return slices.Compact(all)
}

// storeTimeout bounds one answer of the counter's store, or of who keeps a note.
const storeTimeout = 5 * time.Second

// loadLedger loads a ledger; damaged tells that it cannot be read, for ever.
func loadLedger(ctx context.Context, ledgers Ledgers, s counter.Series) (l counter.Ledger, damaged bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	l, _, err = ledgers.Load(ctx, s)
	switch {
	case errors.Is(err, counter.ErrDamaged):
		return l, true, fmt.Errorf("%w: %w", ErrLedgerDamaged, err)
	case err != nil:
		return l, false, fmt.Errorf("read the ledger of %s: %w: %w", s, ErrUnavailable, err)
	}
	return l, false, nil
}
