package invoices

import (
	"context"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
)

// How many rows one statement goes through: of one series, and about how many in all.
const (
	rowsOfOne = 500_000
	rowsOfAll = 1_000_000
)

// cover reads which numbers of all have a row. Rows are counted, by the primary key
// alone: as many rows as numbers have no gap between them. Only where there is one the
// numbers themselves are looked at. It tells read how many rows it has counted.
func cover(ctx context.Context, q sqlx.QueryerContext, all []*tally, full bool, read func(rows int64)) error {
	var open []stretch
	for i, t := range all {
		for _, r := range t.unread(full) {
			open = append(open, stretch{i, r})
		}
	}
	for len(open) > 0 {
		now, rest := firstOf(open)
		counts, err := countRows(ctx, q, countDocuments, all, now)
		if err != nil {
			return err
		}
		var broken []stretch
		for k, s := range now {
			n := counts[k]
			read(n.Rows)
			switch dense := s.First + n.Rows - 1; {
			case n.Rows == 0:
			case n.Last == dense:
				all[s.i].covered = append(all[s.i].covered, counter.Range{First: s.First, Last: dense})
			default:
				broken = append(broken, stretch{s.i, counter.Range{First: s.First, Last: n.Last}})
			}
			if n.Rows == rowsOfOne && n.Last < s.Last {
				rest = append(rest, stretch{s.i, counter.Range{First: n.Last + 1, Last: s.Last}})
			}
		}
		if err := readIslands(ctx, q, all, broken); err != nil {
			return err
		}
		open = rest
	}
	for _, t := range all {
		t.covered = accounts.Merged(t.covered)
		t.gone = accounts.Without(t.wasWhole(), t.covered)
	}
	return nil
}

// firstOf takes as many spans as one statement goes through, one at least.
func firstOf(open []stretch) (now, rest []stretch) {
	rows := int64(0)
	for k, s := range open {
		if rows += min(s.Len(), rowsOfOne); rows > rowsOfAll && k > 0 {
			return open[:k], append([]stretch(nil), open[k:]...)
		}
	}
	return open, nil
}

// rowCount is how many of the lowest rows of a span there are, and where they end.
type rowCount struct {
	I    int   `db:"i"`
	Rows int64 `db:"rows"`
	Last int64 `db:"last"`
}

const countDocuments = `
	select q.i - 1 as i, n.rows, n.last
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
		with ordinality as q (tenant, series, period, first, last, i)
	cross join lateral (
		select count(*) as rows, coalesce(max(number), 0) as last
		from (select d.number from documents d
		      where d.tenant = q.tenant and d.series = q.series and d.period = q.period and d.number between q.first and q.last
		      order by d.number limit $6) d) n
	order by q.i`

// countVoids reads the index of the voids.
const countVoids = `
	select q.i - 1 as i, n.rows, n.last
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
		with ordinality as q (tenant, series, period, first, last, i)
	cross join lateral (
		select count(*) as rows, coalesce(max(number), 0) as last
		from (select d.number from documents d
		      where d.tenant = q.tenant and d.series = q.series and d.period = q.period and d.number between q.first and q.last
		          and d.status = 'void'
		      order by d.number limit $6) d) n
	order by q.i`

// countRows counts up to rowsOfOne rows of each span, in the order of the spans.
func countRows(ctx context.Context, q sqlx.QueryerContext, statement string, all []*tally, spans []stretch) ([]rowCount, error) {
	var counts []rowCount
	err := sqlx.SelectContext(ctx, q, &counts, statement, append(stretchColumns(all, spans), rowsOfOne)...)
	return counts, wrap("count the documents of "+namesOf(all), err)
}

const selectIslands = `
	select q.i - 1 as i, r.first, r.last
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
		with ordinality as q (tenant, series, period, first, last, i)
	cross join lateral (
		select min(number) as first, max(number) as last
		from (select d.number, d.number - row_number() over (order by d.number) as island
		      from documents d
		      where d.tenant = q.tenant and d.series = q.series and d.period = q.period and d.number between q.first and q.last) d
		group by island) r
	order by q.i, r.first`

// readIslands reads the numbers of spans that have a row, as unbroken ranges.
func readIslands(ctx context.Context, q sqlx.QueryerContext, all []*tally, spans []stretch) error {
	if len(spans) == 0 {
		return nil
	}
	var rows []struct {
		I int `db:"i"`
		rangeRow
	}
	if err := sqlx.SelectContext(ctx, q, &rows, selectIslands, stretchColumns(all, spans)...); err != nil {
		return wrap("read the documents of "+namesOf(all), err)
	}
	for _, r := range rows {
		t := all[spans[r.I].i]
		t.covered = append(t.covered, counter.Range{First: r.First, Last: r.Last})
	}
	return nil
}
