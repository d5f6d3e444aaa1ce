package invoices

import (
	"context"
	"fmt"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/lib/pq"
)

// Height is up to where the rows of a series go.
type Height struct {
	counter.Series
	Highest int64 // the highest number that is issued or void
}

// heightsAtOnce is how many series one statement reads: a few index probes each.
const heightsAtOnce = 1000

// Heights returns every block series that are selected and that has rows, in the order
// of their keys. It costs a few index probes per series, however many rows each has.
func (db *DB) Heights(ctx context.Context, of counter.Selection) ([]Height, error) {
	strict, err := db.StrictNames(ctx)
	if err != nil {
		return nil, err
	}
	var all []Height
	after := counter.Series{Tenant: of.Tenant}
	for {
		page, err := db.heightsAfter(ctx, after)
		if err != nil {
			return nil, err
		}
		for _, h := range page {
			if of.Selects(h.Series) && !strict(h.Series) {
				all = append(all, h)
			}
		}
		if len(page) < heightsAtOnce || of.Tenant != "" && page[len(page)-1].Tenant != of.Tenant {
			return all, nil
		}
		after = page[len(page)-1].Series
	}
}

// heightsAfter reads one page of all series, beginning after a key. It jumps from
// one series to the next by the primary key.
func (db *DB) heightsAfter(ctx context.Context, after counter.Series) ([]Height, error) {
	var rows []struct {
		pathRow
		Highest int64 `db:"highest"`
	}
	const query = `
		with recursive s (tenant, series, period) as (
			(select tenant, series, period from documents
				where (tenant, series, period) > ($1, $2, $3)
				order by tenant, series, period limit 1)
			union all
			select n.tenant, n.series, n.period from s cross join lateral (
				select d.tenant, d.series, d.period from documents d
				where (d.tenant, d.series, d.period) > (s.tenant, s.series, s.period)
				order by d.tenant, d.series, d.period limit 1) as n)
		select p.tenant, p.series, p.period,
		       (select max(d.number) from documents d
				where d.tenant = p.tenant and d.series = p.series and d.period = p.period) as highest
		from (select tenant, series, period from s limit $4) as p
		order by p.tenant, p.series, p.period`
	err := db.audits.SelectContext(ctx, &rows, query, after.Tenant, after.Name, after.Period, heightsAtOnce)
	if err != nil {
		return nil, wrap(fmt.Sprintf("read up to where the series after %s go", after), err)
	}
	page := make([]Height, len(rows))
	for i, r := range rows {
		page[i] = Height{Series: r.of(), Highest: r.Highest}
	}
	return page, nil
}

// StrictNames returns whether a series is strict. Such a series has no ledger.
func (db *DB) StrictNames(ctx context.Context) (func(counter.Series) bool, error) {
	var rows []struct {
		Tenant string `db:"tenant"`
		Name   string `db:"name"`
	}
	const query = `select tenant, name from series where numbering = 'strict'`
	if err := db.audits.SelectContext(ctx, &rows, query); err != nil {
		return nil, wrap("list the strict series", err)
	}
	strict := make(map[[2]string]bool, len(rows))
	for _, r := range rows {
		strict[[2]string{r.Tenant, r.Name}] = true
	}
	return func(s counter.Series) bool { return strict[[2]string{s.Tenant, s.Name}] }, nil
}

// SeriesRange is some numbers of a series.
type SeriesRange struct {
	Series counter.Series
	Range  counter.Range
}

// HaveRows returns which of all have a row for any of their numbers: one index probe
// each.
func (db *DB) HaveRows(ctx context.Context, all []SeriesRange) ([]bool, error) {
	var tenants, names, periods []string
	var firsts, lasts []int64
	for _, n := range all {
		tenants, names, periods = append(tenants, n.Series.Tenant), append(names, n.Series.Name), append(periods, n.Series.Period)
		firsts, lasts = append(firsts, n.Range.First), append(lasts, n.Range.Last)
	}
	var have []bool
	const query = `
		select exists (select from documents d
			where d.tenant = q.tenant and d.series = q.series and d.period = q.period and d.number between q.first and q.last)
		from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
			with ordinality as q (tenant, series, period, first, last, i)
		order by q.i`
	err := db.audits.SelectContext(ctx, &have, query, pq.Array(tenants), pq.Array(names), pq.Array(periods), pq.Array(firsts), pq.Array(lasts))
	return have, wrap("look for rows of numbers", err)
}

// CountVoids returns how many numbers of r are void for a reason.
func (db *DB) CountVoids(ctx context.Context, s counter.Series, r counter.Range, reason string) (void int64, err error) {
	const query = `
		select count(*) from documents
		where tenant = $1 and series = $2 and period = $3 and number between $4 and $5 and status = 'void' and reason = $6`
	for _, part := range accounts.Pieces([]counter.Range{r}, readAtOnce) {
		var n int64
		if err := db.audits.GetContext(ctx, &n, query, s.Tenant, s.Name, s.Period, part.First, part.Last, reason); err != nil {
			return 0, wrap(fmt.Sprintf("count what is void of %s", s), err)
		}
		void += n
	}
	return void, nil
}
