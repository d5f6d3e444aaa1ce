package invoices

import (
	"context"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// countAllVoids counts the void rows of each series from its first number to its mark,
// and how far the series is whole: up to below its first number without a row. What is
// known from before is not counted again.
func countAllVoids(ctx context.Context, q sqlx.QueryerContext, all []*tally, full bool) error {
	var open []stretch
	for i, t := range all {
		r := t.accounted()
		known := t.audited()
		if full || len(t.gone) > 0 || known.first != r.First || known.last > r.Last {
			known = mark{first: r.First, last: r.First - 1}
		}
		t.void = known.void
		t.whole = mark{first: r.First, last: known.last, void: known.void}
		if begins := accounts.Within(r, t.covered); len(begins) > 0 && begins[0].First == r.First {
			t.whole.last = begins[0].Last
		}
		for _, part := range []counter.Range{{First: known.last + 1, Last: t.whole.last}, {First: t.whole.last + 1, Last: r.Last}} {
			if part.Last = min(part.Last, t.found.Highest.Int64); part.Len() > 0 {
				open = append(open, stretch{i, part})
			}
		}
	}
	for len(open) > 0 {
		now, rest := firstOf(open)
		counts, err := countRows(ctx, q, countVoids, all, now)
		if err != nil {
			return err
		}
		for k, s := range now {
			t := all[s.i]
			t.void += counts[k].Rows
			if s.Last <= t.whole.last {
				t.whole.void += counts[k].Rows
			}
			if counts[k].Rows == rowsOfOne && counts[k].Last < s.Last {
				rest = append(rest, stretch{s.i, counter.Range{First: counts[k].Last + 1, Last: s.Last}})
			}
		}
		open = rest
	}
	for _, t := range all {
		t.whole.issued = t.whole.last - t.whole.first + 1 - t.whole.void
	}
	return nil
}

// note stores how far series are whole now. Marks are only raised, unless the series
// begins elsewhere by now, or a full audit found numbers below without a row. Executed
// twice it changes nothing.
func (db *DB) note(ctx context.Context, all []*tally) error {
	var raised, lowered []*tally
	for _, t := range all {
		was := t.audited()
		switch {
		case t.ledger.Err != nil:
		case len(t.gone) > 0:
			lowered = append(lowered, t)
		case t.whole.last >= t.whole.first && (t.whole.first != was.first || t.whole.last > was.last):
			raised = append(raised, t)
		}
	}
	if err := db.storeMarks(ctx, raised, raiseMarks); err != nil {
		return err
	}
	return db.storeMarks(ctx, lowered, lowerMarks)
}

// selectMarks are new rows of audited as parameters.
const selectMarks = `
	select q.tenant, q.series, q.period, q.first, q.mark, q.issued, q.void, cast($8 as timestamptz) as audited_at
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]), cast($6 as bigint[]), cast($7 as bigint[]))
		as q (tenant, series, period, first, mark, issued, void)
	order by q.tenant collate "C", q.series collate "C", q.period collate "C"`

const raiseMarks = `
	insert into audited as a (tenant, series, period, first, mark, issued, void, audited_at) ` + selectMarks + `
	on conflict (tenant, series, period) do update
	set first = excluded.first, mark = excluded.mark, issued = excluded.issued, void = excluded.void, audited_at = excluded.audited_at
	where a.mark < excluded.mark or a.first <> excluded.first`

const lowerMarks = `
	update audited a
	set first = m.first, mark = m.mark, issued = m.issued, void = m.void, audited_at = m.audited_at
	from (` + selectMarks + `) as m
	where a.tenant = m.tenant and a.series = m.series and a.period = m.period`

func (db *DB) storeMarks(ctx context.Context, of []*tally, statement string) error {
	if len(of) == 0 {
		return nil
	}
	spans := make([]stretch, len(of))
	issued, void := make([]int64, len(of)), make([]int64, len(of))
	for i, t := range of {
		spans[i] = stretch{i, counter.Range{First: t.whole.first, Last: t.whole.last}}
		issued[i], void[i] = t.whole.issued, t.whole.void
	}
	args := append(stretchColumns(of, spans), pq.Array(issued), pq.Array(void), time.Now().UTC().Truncate(time.Microsecond))
	_, err := db.audits.ExecContext(ctx, statement, args...)
	return wrap("note how far the audit of "+namesOf(of)+" came", err)
}
