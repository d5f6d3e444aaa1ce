package counter

import (
	"context"
	"errors"
	"fmt"
)

// Raised is what came of [Allocator.Raise]: the mark before and after. What lies
// between has a row: it is issued, or void.
type Raised struct {
	From, To int64
}

// Raise makes sure that the ledger of s covers every number that its owner knows to
// be spent: for a ledger that was lost, or put back to an older state, before anybody
// uses its series. What it skips has no row and is void, for the reason "restore",
// before the mark covers it. A mark that is high enough stays; then From is To. Free
// numbers that have a row, if the owner can tell ([Knower]), are free no more.
//
// Blocks stay as they are. So whoever can still write numbers of a block that the
// ledger has forgotten has to be fenced before.
// Raise may be called again after any error. Errors: what Rules.Refuse says,
// ErrUnavailable, ErrDamaged, ErrClosed.
func (a *Allocator) Raise(ctx context.Context, s Series) (Raised, error) {
	l, err := a.living(ctx)
	var done Raised
	if err == nil {
		done, err = l.raiseSeries(ctx, s)
		l.loseIfLost(err)
	}
	if errors.Is(err, ErrLost) {
		err = unavailable(s, err) // the next life may do it
	}
	if err != nil {
		return Raised{}, fmt.Errorf("raise %s: %w", s, err)
	}
	return done, nil
}

func (l *life) raiseSeries(ctx context.Context, s Series) (Raised, error) {
	rules, err := l.a.rules(ctx, s)
	if err != nil {
		return Raised{}, err
	}
	if rules.Refuse != nil {
		return Raised{}, rules.Refuse
	}
	floor, err := l.floor(s)
	if err != nil {
		return Raised{}, err
	}
	done, err := l.raise(ctx, l.change(s), rules.First, floor)
	if err == nil {
		err = l.takeOut(ctx, s)
	}
	return done, err
}

// raise has c bring the mark to floor, which was asked for before: the ledger is read
// after it, so that in peace floor is never above the mark. first is where a ledger
// begins that is missing.
func (l *life) raise(ctx context.Context, c *change, first, floor int64) (done Raised, err error) {
	s := c.series
	c.applied = func(led Ledger) bool { return led.Mark >= floor }
	c.next = func(ctx context.Context, led Ledger, _ Version) (Ledger, error) {
		led, err := led.Begin(first)
		if err != nil {
			return led, err
		}
		if done = (Raised{From: led.Mark, To: led.Mark}); led.Mark >= floor {
			return led, errNoChange
		}
		if err := l.skip(ctx, s, led, floor); err != nil {
			return led, err
		}
		done.To = floor
		return led.SeekTo(floor)
	}
	if err := c.run(ctx); err != nil {
		return Raised{}, err
	}
	l.a.raisedOver(s, done.To-done.From)
	return done, nil
}

// floor asks the owner for the highest number of s that is known to be spent.
func (l *life) floor(s Series) (int64, error) {
	if l.a.Config.Owner == nil {
		return 0, nil
	}
	floor, err := l.a.Config.Owner.Floor(l.ctx, s)
	if err != nil {
		return 0, unavailable(s, fmt.Errorf("ask the owner for the floor: %w", err))
	}
	return floor, nil
}

// skip has the owner void what lies between the mark of led and floor. Without
// an owner it is forfeited.
func (l *life) skip(ctx context.Context, s Series, led Ledger, floor int64) error {
	skipped := Range{First: led.Mark + 1, Last: floor}
	l.a.log().Warn("mark below the floor, raised", "series", s.String(), "mark", led.Mark, "floor", floor)
	if l.a.Config.Owner == nil {
		return nil
	}
	return l.void(ctx, s, []Range{skipped}, "restore")
}
