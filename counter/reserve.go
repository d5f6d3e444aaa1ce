package counter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errWentBack: the ledger of a series that was used is missing, or behind what
// this holder has seen of it. The owner has to be asked before numbers go on.
var errWentBack = errors.New("the ledger is missing or went back")

// Rules are what a series lets the counter do. The zero Rules are a series that
// starts at 1 and has no end.
type Rules struct {
	First  int64 // its first number; 0: 1. It counts only before the series is first used
	Limit  int64 // its last number; 0: MaxNumber
	Bounds Bounds

	// Refuse, if it is set, is why no block of the series is reserved: whoever asks
	// for a number is told it.
	Refuse error

	// ReuseWithin is how long after it was freed a number may still be given;
	// later it becomes void, for the reason "released_late". 0: for ever. Without
	// an owner, who keeps the voids, it is for ever, too. It is measured by the
	// clocks of the replicas, and nothing but the order of numbers rests on it.
	ReuseWithin time.Duration
}

func (a *Allocator) rules(ctx context.Context, s Series) (Rules, error) {
	if a.Config.Rules == nil {
		return Rules{}, nil
	}
	r, err := a.Config.Rules(ctx, s)
	if err != nil {
		return r, unavailable(s, fmt.Errorf("ask for the rules of the series: %w", err))
	}
	return r, nil
}

// reservation is one refill: a block is reserved, and the drained ones leave the
// ledger in the same swap. The shelf learns of the block only when it is known
// to be reserved.
type reservation struct {
	life  *life
	shelf *shelf
	rules Rules
	order
	asked bool // the owner's floor was asked for just now: a missing ledger is a new series

	block Block
	mark  int64
}

func (l *life) reserve(s *shelf) error {
	begun := time.Now()
	rules, err := l.a.rules(l.ctx, s.series)
	if err != nil {
		return s.tell(err)
	}
	if rules.Refuse != nil {
		return fmt.Errorf("%s: %w", s.series, rules.Refuse)
	}
	r := &reservation{life: l, shelf: s, rules: rules, order: s.plan(begun, rules.Bounds)}
	if !r.floored {
		if err := r.raise(); err != nil {
			return err
		}
	}
	err = r.run()
	if errors.Is(err, errWentBack) {
		if err = r.raise(); err == nil {
			err = r.run()
		}
	}
	if err != nil {
		return err
	}
	took := time.Since(begun)
	r.publish(took)
	if told := l.a.Config.Refilled; told != nil {
		told(took)
	}
	return nil
}

// publish puts the block on the shelf.
func (r *reservation) publish(took time.Duration) {
	l := r.life
	calledIn := r.shelf.put(r.block, r.drained, r.mark, took)
	l.a.counts.reserved.Add(1)
	l.a.log().Info("reserved", "series", r.shelf.series.String(), "holder", l.holder.Name, "serial", r.block.Serial,
		"first", r.block.First, "last", r.block.Last, "mark", r.mark, "wanted", r.size, "released", len(r.drained), "took", took)
	if calledIn {
		l.startRecall(r.shelf)
	}
}

// run makes the one swap of the refill.
func (r *reservation) run() error {
	c := r.change()
	c.wanted = r.shelf.wanted
	c.applied = func(led Ledger) bool { return led.Holds(r.block) }
	c.next = func(ctx context.Context, led Ledger, v Version) (Ledger, error) {
		if (v == "" || led.Mark < r.seen) && !r.asked {
			return led, errWentBack
		}
		led, err := releaseDrained(led, r.drained)
		if err != nil {
			return led, err
		}
		if led, err = led.Begin(r.rules.First); err != nil {
			return led, err
		}
		if led, err = r.dropLate(ctx, led); err != nil {
			return led, err
		}
		next, b, err := led.Reserve(Want{Holder: r.life.holder.Name, Era: r.life.era, Count: r.size, Limit: r.rules.Limit, At: time.Now().UTC()})
		r.block, r.mark = b, next.Mark
		return next, err
	}
	err := c.run(r.life.ctx)
	r.block.Revision = c.revision
	return err
}

func (r *reservation) change() *change {
	c := r.life.change(r.shelf.series)
	c.tried = r.failed
	c.failed = r.shelf.saw
	return c
}

func releaseDrained(led Ledger, drained []*stock) (Ledger, error) {
	for _, st := range drained {
		b := st.Block()
		if !led.Holds(b) {
			continue // released by a swap whose reply was lost, or the key was tampered with
		}
		next, err := led.Release(b, nil, time.Time{})
		if err != nil {
			return led, err
		}
		led = next
	}
	return led, nil
}

// raise makes sure that the mark of the series is not below what its owner knows
// to be spent, nor below what this shelf has seen: a ledger that was lost or went
// back in time must not give numbers again. The floor is asked for before the
// ledger is read, so that in peace it is never above the mark. Numbers skipped
// are void before the mark covers them.
func (r *reservation) raise() error {
	l, s := r.life, r.shelf.series
	if l.a.Config.Owner == nil && r.seen == 0 {
		r.asked = true // there is nobody to ask, and nothing to compare with
		r.shelf.noteFloored()
		return nil
	}
	floor, err := l.floor(s)
	if err != nil {
		return r.shelf.tell(err)
	}
	if _, err := l.raise(l.ctx, r.change(), r.rules.First, max(floor, r.seen)); err != nil {
		return err
	}
	r.asked = true
	r.shelf.noteFloored()
	return nil
}

// void has the owner record that ranges are never given. A holder that is fenced
// is lost.
func (l *life) void(ctx context.Context, s Series, ranges []Range, reason string) error {
	err := l.a.Config.Owner.Void(ctx, l.holder.Name, s, ranges, reason)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLost):
		return stop{err}
	}
	return unavailable(s, fmt.Errorf("void %d ranges from %s: %w", len(ranges), ranges[0], err))
}

func (s *shelf) noteFloored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floored = true
}

// tell lets those who wait know of a failure, see trouble, and returns it.
func (s *shelf) tell(err error) error {
	s.trouble(err)
	return err
}

// saw is told of each attempt's end.
func (s *shelf) saw(err error) {
	switch {
	case errors.Is(err, ErrConflict):
		s.mu.Lock()
		s.conflicts++
		s.mu.Unlock()
		return
	case errors.Is(err, errUnknown):
		s.mu.Lock()
		s.unknown++
		s.mu.Unlock()
	}
	s.trouble(err)
}

func (l *life) change(s Series) *change {
	return &change{store: l.a.Config.Store, restored: l.restored, holder: l.holder.Name, series: s, count: &l.a.counts}
}
