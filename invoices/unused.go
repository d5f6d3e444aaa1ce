package invoices

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/accounts"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// Unused are the numbers of the range that a series was granted which no document
// bears, for the authority that granted it.
type Unused struct {
	Series string          `json:"series"`
	Period string          `json:"period"`
	Count  int64           `json:"count"`
	Ranges []counter.Range `json:"ranges"` // ascending; a request under way may still use one of them
}

// VoidRest is the rest of a range that is void.
type VoidRest struct {
	Series string          `json:"series"`
	Period string          `json:"period"`
	Reason string          `json:"reason"`
	Count  int64           `json:"count"`
	Ranges []counter.Range `json:"ranges"` // all that is void for this reason
}

// Unused lists the numbers of the range that no document bears and that are not
// void; period nil is the present one. ErrNotFound: no such series. ErrNoRange: it
// was granted no range. *document.InvalidError names the period.
func (b *SeriesBook) Unused(ctx context.Context, who Identity, name string, period *string) (Unused, error) {
	s, granted, err := b.granted(ctx, who, name, period)
	if err != nil {
		return Unused{}, err
	}
	left, err := b.DB.unused(ctx, s, granted)
	return Unused{Series: s.Name, Period: s.Period, Count: accounts.Total(left), Ranges: left}, err
}

// VoidUnused makes the unused rest of the range void, on every replica, for a
// reason ("": range_expired), and returns what is void for it. What a request
// under way stores first is issued instead. Repeated it changes nothing; so it may
// be called again after ErrUnavailable, and goes on where it ended. Errors as of
// Unused, and ErrTooMany.
func (b *SeriesBook) VoidUnused(ctx context.Context, who Identity, name string, period *string, reason string) (VoidRest, error) {
	reason = cmp.Or(reason, reasonRangeExpired)
	if err := document.CheckReason(reason); err != nil {
		return VoidRest{}, err
	}
	if OwnReason(reason) && reason != reasonRangeExpired {
		return VoidRest{}, invalid("/reason", fmt.Sprintf("is %q, by which folio itself says what happened; say it in other words", reason))
	}
	s, granted, err := b.granted(ctx, who, name, period)
	if err != nil {
		return VoidRest{}, err
	}
	if err := seekTo(askedBy(ctx, who.KeyID), b.DB, b.Numbers, s, granted.Last, reason); err != nil {
		return VoidRest{}, err
	}
	void, err := b.DB.voidsFor(ctx, s, granted, reason)
	return VoidRest{Series: s.Name, Period: s.Period, Reason: reason, Count: accounts.Total(void), Ranges: void}, err
}

// granted returns the counter's name for a series in a period, and the range that
// it was granted.
func (b *SeriesBook) granted(ctx context.Context, who Identity, name string, period *string) (counter.Series, counter.Range, error) {
	s, err := b.Find(ctx, who.Tenant, name)
	if err != nil {
		return counter.Series{}, counter.Range{}, err
	}
	r, err := s.rule()
	if err != nil {
		return counter.Series{}, counter.Range{}, err
	}
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	of := r.period.Period(now().In(who.zone()).Format(time.DateOnly))
	switch {
	case s.Range == nil:
		return counter.Series{}, counter.Range{}, fmt.Errorf("series %s of %s: %w", name, who.Tenant, ErrNoRange)
	case period != nil && !r.period.Fits(*period):
		return counter.Series{}, counter.Range{}, invalid("period", fmt.Sprintf("is no period of series %s, whose period is %s", name, s.Period))
	case period != nil:
		of = *period
	}
	return counter.Series{Tenant: who.Tenant, Name: name, Period: of}, counter.Range{First: r.first(), Last: r.last()}, nil
}

// unused returns the numbers of within that have no row. Above the highest row
// there is nothing to read.
func (db *DB) unused(ctx context.Context, s counter.Series, within counter.Range) ([]counter.Range, error) {
	var used []counter.Range
	err := db.read(ctx, s.Tenant, "read what is used of "+s.String(), func(q sqlx.QueryerContext) error {
		highest, err := readFloor(ctx, q, s)
		if err != nil {
			return err
		}
		for _, part := range accounts.Pieces([]counter.Range{{First: within.First, Last: min(within.Last, highest)}}, readAtOnce) {
			runs, err := readRuns(ctx, q, s, part)
			if err != nil {
				return err
			}
			used = append(used, runs...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return append([]counter.Range{}, accounts.Without([]counter.Range{within}, accounts.Merged(used))...), nil
}

// voidsFor returns the numbers of within that are void for a reason.
func (db *DB) voidsFor(ctx context.Context, s counter.Series, within counter.Range, reason string) ([]counter.Range, error) {
	var ranges []counter.Range
	err := db.read(ctx, s.Tenant, "read the voids of "+s.String(), func(q sqlx.QueryerContext) error {
		highest, err := readFloor(ctx, q, s)
		if err != nil {
			return err
		}
		within.Last = min(within.Last, highest)
		for _, part := range accounts.Pieces([]counter.Range{within}, readAtOnce) {
			var rows []rangeRow
			if err := sqlx.SelectContext(ctx, q, &rows, selectVoids, s.Tenant, s.Name, s.Period, part.First, part.Last, reason); err != nil {
				return err
			}
			ranges = append(ranges, rangesOf(rows)...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return append([]counter.Range{}, accounts.Merged(ranges)...), nil
}

// selectVoids reads the numbers that are void for a reason, as ranges.
const selectVoids = `
	select min(number) as first, max(number) as last
	from (select number, number - row_number() over (order by number) as island
	      from documents
	      where tenant = $1 and series = $2 and period = $3 and number between $4 and $5
	        and status = 'void' and reason = $6) d
	group by island
	order by 1`
