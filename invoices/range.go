package invoices

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"folio/counter"
)

// Why numbers are void that a series will not give.
const (
	reasonOutOfRange   = "out_of_range"  // they lie before the range that the series was granted
	reasonRangeExpired = "range_expired" // the unused rest of a range; the default
)

// ranges is what an Issuer has seen of authorised ranges.
type ranges struct {
	low, exhausted, expired atomic.Int64
	moved                   cache[movedTo, struct{}]
}

type movedTo struct {
	counter.Series
	mark int64
}

// RangeStats counts what became of requests because of the range that their
// series was granted.
type RangeStats struct {
	Low       int64 // issued, and few numbers were left: Range.WarnLeft or fewer
	Exhausted int64 // refused: no number was left
	Expired   int64 // refused: the range has expired
}

// RangeStats returns what was counted so far.
func (is *Issuer) RangeStats() RangeStats {
	return RangeStats{Low: is.ranges.low.Load(), Exhausted: is.ranges.exhausted.Load(), Expired: is.ranges.expired.Load()}
}

// note counts what err, the answer to a request, says of a range, and returns err. What is
// refused on the way, and found to be a repeat then, is not counted.
func (r *ranges) note(err error) error {
	switch {
	case errors.Is(err, ErrSeriesExhausted):
		r.exhausted.Add(1)
	case errors.Is(err, ErrSeriesExpired):
		r.expired.Add(1)
	}
	return err
}

// warn tells how few numbers are left after n; nil if they are not few.
func (is *Issuer) warn(p *prepared, n int64) *int64 {
	left := p.rule.warning(n)
	if left != nil {
		is.ranges.low.Add(1)
	}
	return left
}

// take returns count numbers that lie in the range which the series was granted.
// A range can be changed while numbers of the old one lie on the shelves: what is
// above the new one is given back, and what lies below it the series leaves behind.
func (is *Issuer) take(ctx context.Context, p *prepared, count int) (numbers []counter.Number, err error) {
	step := is.Writer.cfg.Watch.take(ctx)
	defer func() { step.end(err) }()
	if err := is.DB.mayWrite(); err != nil {
		return nil, err
	}
	for {
		numbers, err := is.Numbers.TakeN(ctx, p.series, count)
		if err != nil {
			return nil, numberError(err)
		}
		done, err := is.within(ctx, p, numbers...)
		if done {
			return numbers, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// takeOne is take for one number, which costs no slice.
func (is *Issuer) takeOne(ctx context.Context, p *prepared) (n counter.Number, err error) {
	step := is.Writer.cfg.Watch.take(ctx)
	defer func() { step.end(err) }()
	if err := is.DB.mayWrite(); err != nil {
		return counter.Number{}, err
	}
	for {
		n, err := is.Numbers.Take(ctx, p.series)
		if err != nil {
			return n, numberError(err)
		}
		if p.rule.contains(n) {
			return n, nil
		}
		done, err := is.within(ctx, p, n)
		if done {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func (r *rule) contains(n counter.Number) bool {
	return r.Range == nil || n.Value() >= r.Range.First && n.Value() <= r.Range.Last
}

// within reports whether numbers lie in the range of p's series. If not they are
// given back; without an error others can then be taken.
func (is *Issuer) within(ctx context.Context, p *prepared, numbers ...counter.Number) (bool, error) {
	if p.rule.holds(numbers) {
		return true, nil
	}
	// The rule may be of before a change, and the counter's newer.
	fresh, err := is.DB.findRule(ctx, p.series.Tenant, p.series.Name)
	if err == nil && fresh == nil {
		err = fmt.Errorf("series %s: %w", p.series.Name, ErrNotFound)
	}
	if err == nil {
		if p.rule = fresh; fresh.holds(numbers) {
			return true, nil
		}
	}
	below := false
	for _, n := range numbers {
		below = below || err == nil && fresh.Range != nil && n.Value() < fresh.Range.First
		n.Return()
	}
	switch {
	case err != nil:
		return false, err
	case below:
		return false, is.leaveBehind(ctx, p, fresh.Range.First-1)
	}
	return false, ErrSeriesExhausted
}

func (r *rule) holds(numbers []counter.Number) bool {
	for _, n := range numbers {
		if !r.contains(n) {
			return false
		}
	}
	return true
}

// leaveBehind sees to it that no number of the series of p up to last is given any
// more. Those who need it at once share one seek.
func (is *Issuer) leaveBehind(ctx context.Context, p *prepared, last int64) error {
	s := p.series
	_, err := is.ranges.moved.get(ctx, movedTo{s, last}, origin[struct{}]{ask: func(ctx context.Context) (struct{}, error) {
		return struct{}{}, seekTo(askedBy(ctx, p.KeyID), is.DB, is.Numbers, s, last, reasonOutOfRange)
	}})
	return err
}

// How many numbers a seek skips at a time, and at all: a row is written for each.
const (
	seekStep = 50_000
	seekMost = 10_000_000
)

// seekTo moves s, which may be strict, to last, in steps. What was done when ctx ends stays done:
// ErrUnavailable, and the next call goes on there. ErrTooMany: more than seekMost
// would become void.
func seekTo(ctx context.Context, db *DB, numbers Numbers, s counter.Series, last int64, reason string) error {
	rule, err := db.findRule(ctx, s.Tenant, s.Name)
	if err != nil {
		return err
	}
	if rule != nil && rule.Numbering == numberingStrict {
		return db.seekStrict(ctx, s, last, reason)
	}
	at, err := (&Owner{DB: db}).Floor(ctx, s)
	if err != nil {
		return err
	}
	if last-at > seekMost {
		return fmt.Errorf("move %s from %d to %d: %w", s, at, last, ErrTooMany)
	}
	for at = min(at, last); ; {
		at = min(at+seekStep, last)
		if err := numbers.Seek(ctx, s, at, reason); err != nil {
			return numberError(err)
		}
		if at == last {
			return nil
		}
	}
}
