package invoices

import (
	"context"
	"database/sql"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// tally is what is to be read of the rows of a series, and what was found. It is
// made of the ledger, which is read before.
type tally struct {
	series   counter.Series
	ledger   counter.Loaded
	revision int64

	found   seen
	covered []counter.Range // the numbers that have a row
	void    int64           // void rows from the first number to the mark
	whole   mark            // how far the series is known to be whole now; zero: nowhere
	voids   []accounts.Reason
	gone    []counter.Range // had a row when the series was audited before: below the mark only a full audit looks
}

// mark is a row of audited.
type mark struct {
	first, last  int64
	issued, void int64
}

// seen is what one statement tells of a series: how far it is known to be whole, its
// counter if it is strict, and where its rows begin and end.
type seen struct {
	I            int           `db:"i"`
	AuditedFirst sql.NullInt64 `db:"audited_first"`
	AuditedMark  sql.NullInt64 `db:"audited_mark"`
	Issued       sql.NullInt64 `db:"issued"`
	Void         sql.NullInt64 `db:"void"`
	Peak         sql.NullInt64 `db:"peak"`
	StrictFirst  sql.NullInt64 `db:"strict_first"`
	StrictMark   sql.NullInt64 `db:"strict_mark"`
	Lowest       sql.NullInt64 `db:"lowest"`
	Highest      sql.NullInt64 `db:"highest"`
	Annulled     int64         `db:"annulled"`
	RangeFirst   sql.NullInt64 `db:"range_first"`
	RangeLast    sql.NullInt64 `db:"range_last"`
	Snapshot     string        `db:"snapshot"`
	At           time.Time     `db:"at"`
}

// selectSeen looks at many series, of each at a few places of an index.
const selectSeen = `
	select q.i - 1 as i, a.first as audited_first, a.mark as audited_mark, a.issued, a.void, greatest(a.peak, a.mark) as peak,
	       c.first as strict_first, c.mark as strict_mark, low.number as lowest, high.number as highest, n.annulled,
	       s.range_first, s.range_last,
	       cast(pg_current_snapshot() as text) as snapshot, clock_timestamp() as at
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
		with ordinality as q (tenant, series, period, first, last, i)
	left join audited a on a.tenant = q.tenant and a.series = q.series and a.period = q.period
	left join strict_counters c on c.tenant = q.tenant and c.series = q.series and c.period = q.period and c.mark >= c.first
	left join series s on s.tenant = q.tenant and s.name = q.series and (s.expires_on is null or s.expires_on > current_date)
	left join lateral (
		select d.number from documents d where d.tenant = q.tenant and d.series = q.series and d.period = q.period
		order by d.number limit 1) low on true
	left join lateral (
		select d.number from documents d where d.tenant = q.tenant and d.series = q.series and d.period = q.period
		order by d.number desc limit 1) high on true
	cross join lateral (
		select count(*) as annulled from annulments n
		where n.tenant = q.tenant and n.series = q.series and n.period = q.period
			and n.number between coalesce(c.first, q.first) and coalesce(c.mark, q.last)) n
	order by q.i`

// lookAt fills in what is seen of all, in one statement.
func lookAt(ctx context.Context, q sqlx.QueryerContext, all []*tally) error {
	spans := make([]stretch, len(all))
	for i, t := range all {
		spans[i] = stretch{i, counter.Range{First: 1, Last: counter.MaxNumber}}
		if t.ledger.Err == nil {
			spans[i].Range = t.ledger.Ledger.Range()
		}
	}
	var rows []seen
	if err := sqlx.SelectContext(ctx, q, &rows, selectSeen, stretchColumns(all, spans)...); err != nil {
		return wrap("look at the documents of "+namesOf(all), err)
	}
	for _, row := range rows {
		all[row.I].found = row
	}
	return nil
}

// strict reports whether the counter of the series is in Postgres.
func (t *tally) strict() bool { return t.found.StrictMark.Valid }

// accounted returns the numbers that are to be accounted for.
func (t *tally) accounted() counter.Range {
	switch {
	case t.strict():
		return counter.Range{First: t.found.StrictFirst.Int64, Last: t.found.StrictMark.Int64}
	case t.ledger.Err != nil: // nobody knows: all that there is
		return counter.Range{First: t.found.Lowest.Int64, Last: t.found.Highest.Int64}
	}
	return t.ledger.Ledger.Range()
}

// audited returns how far the series is known to be whole.
func (t *tally) audited() mark {
	return mark{t.found.AuditedFirst.Int64, t.found.AuditedMark.Int64, t.found.Issued.Int64, t.found.Void.Int64}
}

// unread returns the numbers that may have rows of which nothing is known yet. With
// full set nothing is known of any.
func (t *tally) unread(full bool) []counter.Range {
	if !t.found.Lowest.Valid {
		return nil
	}
	all := []counter.Range{{First: t.found.Lowest.Int64, Last: t.found.Highest.Int64}}
	if !full {
		known := t.audited()
		t.covered = accounts.Within(all[0], []counter.Range{{First: known.first, Last: known.last}})
	}
	return accounts.Without(all, t.covered)
}

// wasWhole returns the numbers that had a row when the series was audited before, also
// those of which some are known to be gone since.
func (t *tally) wasWhole() []counter.Range {
	was := counter.Range{First: t.found.AuditedFirst.Int64, Last: t.found.Peak.Int64}
	return accounts.Within(counter.Range{First: 1, Last: counter.MaxNumber}, []counter.Range{was})
}

// books are the two sides together.
func (t *tally) books() accounts.Books {
	b := accounts.Books{
		Series: t.series, Strict: t.strict(), Ledger: t.ledger.Ledger, Damage: t.ledger.Err,
		Absent: t.ledger.Version == "" && t.ledger.Err == nil,
		Rows:   accounts.Rows{Covered: t.covered, Void: t.void + t.found.Annulled, Voids: t.voids, Exact: t.voids != nil},
		AsOf:   accounts.AsOf{Revision: t.revision, Snapshot: t.found.Snapshot, At: t.found.At.UTC()},
	}
	if b.Strict {
		r := t.accounted()
		b.Ledger, b.Damage, b.Absent = counter.Ledger{First: r.First, Mark: r.Last}, nil, false
	}
	return b
}

// stretch is a range of numbers of the i-th of some series.
type stretch struct {
	i int
	counter.Range
}

// stretchColumns are stretches as the columns of a statement: tenant, series, period, first,
// last.
func stretchColumns(of []*tally, spans []stretch) []any {
	n := len(spans)
	tenants, names, periods := make([]string, n), make([]string, n), make([]string, n)
	firsts, lasts := make([]int64, n), make([]int64, n)
	for k, s := range spans {
		series := of[s.i].series
		tenants[k], names[k], periods[k] = series.Tenant, series.Name, series.Period
		firsts[k], lasts[k] = s.First, s.Last
	}
	return []any{pq.Array(tenants), pq.Array(names), pq.Array(periods), pq.Array(firsts), pq.Array(lasts)}
}

// namesOf tells which series a statement is about.
func namesOf(all []*tally) string {
	switch len(all) {
	case 0:
		return "no series"
	case 1:
		return all[0].series.String()
	}
	return all[0].series.String() + " to " + all[len(all)-1].series.String()
}
