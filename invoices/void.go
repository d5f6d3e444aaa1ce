package invoices

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"folio/counter"
)

const (
	voidsAtOnce = 5_000   // rows that one statement inserts
	readAtOnce  = 500_000 // numbers that one statement looks through
)

// voids are numbers that will never be given, to be recorded.
type voids struct {
	Series counter.Series
	Ranges []counter.Range
	Reason string
	Era    string         // only while Postgres is in this era
	Block  *counter.Block // where the numbers come from; nil if from none
}

// Void implements counter.Owner. Numbers that have a row keep it.
func (o *Owner) Void(ctx context.Context, s counter.Series, ranges []counter.Range, reason string) error {
	now, err := o.DB.Era(ctx)
	if err != nil {
		return err
	}
	for _, part := range pieces(merged(ranges), readAtOnce) {
		runs, err := readRuns(ctx, o.DB.rest, s, part)
		if err != nil {
			return err
		}
		rest := without([]counter.Range{part}, coverage(runs))
		if err := o.void(ctx, voids{Series: s, Ranges: rest, Reason: reason, Era: now}); err != nil {
			return err
		}
	}
	return nil
}

// void inserts one row per number, in pieces. Whoever has a row already keeps
// it, so executed twice it changes nothing. An era that has changed stops it.
func (o *Owner) void(ctx context.Context, v voids) error {
	at := time.Now().UTC().Truncate(time.Microsecond)
	var b counter.Block
	if v.Block != nil {
		b = *v.Block
	}
	for _, part := range pieces(v.Ranges, voidsAtOnce) {
		doing := fmt.Sprintf("void %s of %s", part, v.Series)
		var same bool
		err := o.DB.rest.GetContext(ctx, &same, insertVoids, v.Series.Tenant, v.Series.Name, v.Series.Period,
			part.First, part.Last, v.Reason, at, v.Era, v.Block != nil, b.Holder, b.Serial, b.First, b.Last)
		if err != nil {
			return wrap(doing, err)
		}
		if !same {
			return fmt.Errorf("%s: %w: the era is no longer %s", doing, ErrUnavailable, v.Era)
		}
	}
	return nil
}

const insertVoids = `
	with written as (
		insert into documents (tenant, series, period, number, status, created_at, reason,
		                       holder, block_serial, block_first, block_last)
		select $1, $2, $3, n, 'void', cast($7 as timestamptz), $6,
		       case when $9 then $10 end, case when $9 then cast($11 as bigint) end,
		       case when $9 then cast($12 as bigint) end, case when $9 then cast($13 as bigint) end
		from generate_series(cast($4 as bigint), cast($5 as bigint)) as n
		where current_era() = $8
		order by n
		on conflict do nothing)
	select current_era() = $8`

// coverage returns the numbers that lie in runs of any status.
func coverage(runs []run) []counter.Range {
	parts := make([]counter.Range, len(runs))
	for i, r := range runs {
		parts[i] = r.Range
	}
	return merged(parts)
}

// sortedRanges returns the ranges that are not empty, by their first number.
func sortedRanges(parts []counter.Range) []counter.Range {
	sorted := slices.DeleteFunc(slices.Clone(parts), func(r counter.Range) bool { return r.Len() == 0 })
	slices.SortFunc(sorted, func(a, b counter.Range) int { return cmp.Compare(a.First, b.First) })
	return sorted
}
