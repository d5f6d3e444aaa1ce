package invoices

import (
	"context"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/lib/pq"
)

// reasonPrintedClash: the printed number was taken by another document.
const reasonPrintedClash = "printed_clash"

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
	By     string         // only while this holder may write; "" if it is a settler's
	Who    string         // who voids them, as the books will say, see asked.go; "" if that is not known
	Note   string         // what is known beyond the reason, as a sentence that names no holder; "" if nothing is
}

// Void implements counter.Owner. Numbers that have a row keep it. Like a batch it
// reads the holder's row FOR SHARE, so that a settler either sees these rows or
// has fenced them out.
func (o *Owner) Void(ctx context.Context, holder string, s counter.Series, ranges []counter.Range, reason string) error {
	v := voids{Series: s, Ranges: accounts.Merged(ranges), Reason: reason, By: holder, Who: whoAsked(ctx, holder), Note: whatNoted(ctx)}
	if n := len(v.Ranges); reason == reasonRestore && v.Note == "" && n > 0 {
		v.Note = fmt.Sprintf("The ledger ended below it, although documents went up to %d.", v.Ranges[n-1].Last)
	}
	return o.voidRest(ctx, v)
}

// voidRest voids what has no row yet, in the present era.
func (o *Owner) voidRest(ctx context.Context, v voids) (err error) {
	if v.Era, err = o.DB.Era(ctx); err != nil {
		return err
	}
	for _, part := range accounts.Windows(v.Ranges, readAtOnce) {
		used, err := readRuns(ctx, o.DB.settling, v.Series, hull(part))
		if err != nil {
			return err
		}
		v.Ranges = accounts.Without(part, used)
		if err := o.void(ctx, v); err != nil {
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
	for _, part := range accounts.Groups(v.Ranges, voidsAtOnce) {
		doing := fmt.Sprintf("void %s of %s", hull(part), v.Series)
		firsts, lasts := ends(part)
		var found struct {
			Same    bool  `db:"same"`
			Open    bool  `db:"open"`
			Written int64 `db:"written"`
		}
		err := o.DB.settling.GetContext(ctx, &found, insertVoids, v.Series.Tenant, v.Series.Name, v.Series.Period,
			firsts, lasts, v.Reason, at, v.Era, v.Block != nil, b.Holder, b.Serial, b.First, b.Last, v.By, v.Who, v.Note, b.At)
		switch {
		case err != nil:
			return wrap(doing, err)
		case !found.Same:
			return fmt.Errorf("%s: %w: the era is no longer %s", doing, ErrUnavailable, v.Era)
		case !found.Open:
			return fmt.Errorf("%s: %s is fenced: %w", doing, v.By, counter.ErrLost)
		}
		o.DB.voided.add(v.Reason, found.Written)
	}
	return nil
}

// hull is the range from the first of ranges to the last.
func hull(ranges []counter.Range) counter.Range {
	return counter.Range{First: ranges[0].First, Last: ranges[len(ranges)-1].Last}
}

// ends are the first and the last numbers of ranges, as a statement takes them.
func ends(ranges []counter.Range) (firsts, lasts pq.Int64Array) {
	for _, r := range ranges {
		firsts, lasts = append(firsts, r.First), append(lasts, r.Last)
	}
	return firsts, lasts
}

const insertVoids = `
	with fence as materialized (
		select holder from holders
		where holder = $14 and fenced_at is null and era = current_era()
		for share),
	written as (
		insert into documents (tenant, series, period, number, status, created_at, reason,
		                       holder, block_serial, block_first, block_last, block_at, void_by, void_note)
		select $1, $2, $3, n, 'void', cast($7 as timestamptz), $6,
		       case when $9 then $10 end, case when $9 then cast($11 as bigint) end,
		       case when $9 then cast($12 as bigint) end, case when $9 then cast($13 as bigint) end,
		       case when $9 then cast($17 as timestamptz) end, nullif($15, ''), nullif($16, '')
		from unnest(cast($4 as bigint[]), cast($5 as bigint[])) as r (first, last), generate_series(r.first, r.last) as n
		where current_era() = $8 and ($14 = '' or exists (select from fence))
		order by n
		on conflict do nothing
		returning number)
	select current_era() = $8 as same, $14 = '' or exists (select from fence) as open, (select count(*) from written) as written`
