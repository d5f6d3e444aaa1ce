package invoices

import (
	"cmp"
	"context"
	"slices"

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
	slices.SortFunc(all, func(a, b counter.Series) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(all), nil
}

// seriesAtOnce bounds the series that one statement lists.
const seriesAtOnce = 20_000

// selectSeries jumps from one series with documents to the next, behind the one named
// by $1 to $3: it costs a descent of the primary key for each, however many documents
// it has. It ends after the tenant $4, unless that is "". It reads the documents, not
// the tenants: books whose tenant is gone are audited too.
const selectSeries = `
	with recursive k (tenant, series, period) as (
		(select d.tenant, d.series, d.period from documents d
		 where (d.tenant, d.series, d.period) > ($1, $2, $3)
		 order by d.tenant, d.series, d.period limit 1)
		union all
		select n.tenant, n.series, n.period
		from k cross join lateral (
			select d.tenant, d.series, d.period from documents d
			where (d.tenant, d.series, d.period) > (k.tenant, k.series, k.period)
			order by d.tenant, d.series, d.period limit 1) n
		where $4 = '' or k.tenant = $4)
	select tenant, series, period from k where $4 = '' or tenant = $4 limit $5`

// seriesWithDocuments lists what there are documents of; tenant "" is every one.
func (db *DB) seriesWithDocuments(ctx context.Context, tenant string) ([]counter.Series, error) {
	var all []counter.Series
	for last := (counter.Series{Tenant: tenant}); ; last = all[len(all)-1] {
		var rows []struct {
			Tenant string `db:"tenant"`
			Series string `db:"series"`
			Period string `db:"period"`
		}
		if err := db.audits.SelectContext(ctx, &rows, selectSeries, last.Tenant, last.Name, last.Period, tenant, seriesAtOnce); err != nil {
			return nil, wrap("list the series that have documents", err)
		}
		for _, r := range rows {
			all = append(all, counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period})
		}
		if len(rows) < seriesAtOnce {
			return all, nil
		}
	}
}
