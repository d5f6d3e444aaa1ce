package counter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errMissing: a series that was used has no ledger; its owner has to be asked
// before numbers start again.
var errMissing = errors.New("the ledger is missing")

// reserve gets one more block for s, and lets the drained ones leave the ledger
// in the same swap. The shelf learns of the block only when it is known to be
// reserved.
func (l *life) reserve(s *shelf) error {
	size, drained, floored := s.plan(time.Now())
	begun := time.Now()
	if !floored {
		if err := l.raise(s); err != nil {
			return err
		}
	}
	b, mark, err := l.reserveBlock(s, size, drained, !floored)
	if errors.Is(err, errMissing) {
		if err = l.raise(s); err == nil {
			b, mark, err = l.reserveBlock(s, size, drained, true)
		}
	}
	if err != nil {
		return err
	}
	took := time.Since(begun)
	s.put(b, drained, took)
	l.a.counts.reserved.Add(1)
	l.a.log().Info("reserved", "series", s.series.String(), "holder", l.holder.Name, "serial", b.Serial,
		"first", b.First, "last", b.Last, "mark", mark, "wanted", size, "released", len(drained), "took", took)
	return nil
}

// reserveBlock makes the one swap of a refill. asked tells that the owner's
// floor was asked for just now, so that a missing ledger means a new series.
func (l *life) reserveBlock(s *shelf, size int64, drained []*stock, asked bool) (b Block, mark int64, err error) {
	c := l.change(s.series)
	c.wanted = s.wanted
	c.applied = func(led Ledger) bool { return led.Holds(b) }
	c.next = func(_ context.Context, led Ledger, v Version) (Ledger, error) {
		if v == "" && !asked {
			return led, errMissing
		}
		next, err := releaseDrained(led, drained)
		if err != nil {
			return led, err
		}
		next, b, err = next.Reserve(Want{Holder: l.holder.Name, Era: l.era, Count: size, At: time.Now().UTC()})
		mark = next.Mark
		return next, err
	}
	err = c.run(l.ctx)
	return b, mark, err
}

func releaseDrained(led Ledger, drained []*stock) (Ledger, error) {
	for _, st := range drained {
		if !led.Holds(st.Block) {
			continue // released by a swap whose reply was lost, or the key was tampered with
		}
		next, err := led.Release(st.Block, nil, time.Time{})
		if err != nil {
			return led, err
		}
		led = next
	}
	return led, nil
}

// raise makes sure that the mark of s is not below what its owner knows to be
// spent: a ledger that was lost or went back in time must not give numbers
// again. The floor is asked for before the ledger is read, so that in peace it
// is never above the mark. Numbers skipped are void before the mark covers them.
func (l *life) raise(sh *shelf) error {
	s := sh.series
	owner := l.a.Config.Owner
	if owner == nil {
		sh.noteFloored()
		return nil
	}
	floor, err := owner.Floor(l.ctx, s)
	if err != nil {
		return unavailable(s, fmt.Errorf("ask the owner for the floor: %w", err))
	}
	c := l.change(s)
	c.applied = func(led Ledger) bool { return led.Mark >= floor }
	c.next = func(ctx context.Context, led Ledger, _ Version) (Ledger, error) {
		if led.Mark >= floor {
			return led, errNoChange
		}
		skipped := []Range{{First: led.Mark + 1, Last: floor}}
		l.a.log().Warn("mark below the floor, raised", "series", s.String(), "mark", led.Mark, "floor", floor)
		if err := owner.Void(ctx, s, skipped, "restore"); err != nil {
			return led, unavailable(s, fmt.Errorf("void %s: %w", skipped[0], err))
		}
		return led.SeekTo(floor)
	}
	if err := c.run(l.ctx); err != nil {
		return err
	}
	sh.noteFloored()
	return nil
}

func (s *shelf) noteFloored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floored = true
}

func (l *life) change(s Series) *change {
	return &change{store: l.a.Config.Store, holder: l.holder.Name, series: s, count: &l.a.counts}
}
