package invoices

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"folio/counter"
)

// seriesInPostgres lists the selected series that have a document or a strict counter,
// in the order of Series.String. Counters are read after the documents were looked
// for: whoever has a document has a counter by then.
func (db *DB) seriesInPostgres(ctx context.Context, of counter.Selection) ([]counter.Series, error) {
	all, err := db.seriesWithDocuments(ctx, of.Tenant)
	if err != nil {
		return nil, err
	}
	counters, err := db.StrictCounters(ctx, of.Tenant, of.Name)
	if err != nil {
		return nil, err
	}
	for _, c := range counters {
		all = append(all, c.Series)
	}
	all = slices.DeleteFunc(all, func(s counter.Series) bool { return !of.Selects(s) })
	slices.SortFunc(all, byName)
	return slices.Compact(all), nil
}

// byName compares series as their names are read, a.String() with b.String(), without
// making these: a list of a hundred thousand is compared millions of times.
func byName(a, b counter.Series) int {
	return cmp.Or(byPart(a.Tenant, b.Tenant), byPart(a.Name, b.Name), strings.Compare(a.Period, b.Period))
}

// byPart compares parts of a name, each with the slash that follows it.
func byPart(a, b string) int {
	n := min(len(a), len(b))
	switch c := strings.Compare(a[:n], b[:n]); {
	case c != 0 || len(a) == len(b):
		return c
	case n == len(a):
		return cmp.Compare('/', b[n])
	default:
		return cmp.Compare(a[n], '/')
	}
}

// Known gives ErrNotFound if no tenant has a series that is selected, whether a number
// of it was used or not: an audit of a name that was misspelt finds nothing wrong.
func (db *DB) Known(ctx context.Context, of counter.Selection) error {
	var known bool
	const query = `select exists (select from series where ($1 = '' or tenant = $1) and ($2 = '' or name = $2))`
	if err := db.audits.GetContext(ctx, &known, query, of.Tenant, of.Name); err != nil {
		return wrap("look for the series that are audited", err)
	}
	if !known && (of.Tenant != "" || of.Name != "") {
		return ErrNotFound
	}
	return nil
}

// seriesAtOnce bounds the series that one statement lists.
const seriesAtOnce = 20_000

// jumpingFrom is a statement that jumps from one series in a table to the next, behind
// the one named by $1 to $3: it costs a descent of the table's primary key for each,
// however many rows it has. The columns name tenant, series and period. It ends after
// the tenant $4, unless that is "", or with $5 series.
func jumpingFrom(table, columns string) string {
	next := func(behind string) string {
		return `(select ` + columns + ` from ` + table + ` where (` + columns + `) > (` + behind + `) order by ` + columns + ` limit 1)`
	}
	return `
	with recursive k (tenant, series, period) as (
		` + next(`$1, $2, $3`) + `
		union all
		select n.* from k cross join lateral ` + next(`k.tenant, k.series, k.period`) + ` n
		where $4 = '' or k.tenant = $4)
	select tenant, series, period from k where $4 = '' or tenant = $4 limit $5`
}

// Where series are found. The documents, not the tenants: books whose tenant is gone
// are audited too.
var (
	selectWithDocuments = jumpingFrom("documents", "tenant, series, period")
	selectWithAccounts  = jumpingFrom("credits", "tenant, series, period")
	selectWithNotes     = jumpingFrom("credit_notes", "tenant, invoice_series, invoice_period")
)

// seriesWithDocuments lists what there are documents of; tenant "" is every one.
func (db *DB) seriesWithDocuments(ctx context.Context, tenant string) ([]counter.Series, error) {
	all, err := db.seriesFound(ctx, selectWithDocuments, tenant)
	return all, wrap("list the series that have documents", err)
}

// seriesFound lists what statement jumps to, see jumpingFrom.
func (db *DB) seriesFound(ctx context.Context, statement, tenant string) ([]counter.Series, error) {
	var all []counter.Series
	for last := (counter.Series{Tenant: tenant}); ; {
		var rows []pathRow
		if err := db.audits.SelectContext(ctx, &rows, statement, last.Tenant, last.Name, last.Period, tenant, seriesAtOnce); err != nil {
			return nil, err
		}
		for _, r := range rows {
			last = r.behind(last)
			all = append(all, last)
		}
		if len(rows) < seriesAtOnce {
			return all, nil
		}
	}
}

// pathRow is a series as a statement returns it.
type pathRow struct {
	Tenant string `db:"tenant"`
	Series string `db:"series"`
	Period string `db:"period"`
}

func (r pathRow) of() counter.Series {
	return counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period}
}

// behind is of, with the words that it shares with the series before: a long list names
// few series and periods.
func (r pathRow) behind(last counter.Series) counter.Series {
	s := r.of()
	for _, word := range []struct{ mine, before *string }{{&s.Tenant, &last.Tenant}, {&s.Name, &last.Name}, {&s.Period, &last.Period}} {
		if *word.mine == *word.before {
			*word.mine = *word.before
		}
	}
	return s
}
