package counter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// parting is the hand-back of blocks that this holder has of one series, and that
// may leave the ledger on its own word.
type parting interface {
	of() Series
	// next releases in led what can be released; it returns led if nothing can.
	next(led Ledger) Ledger
	// applied reports whether led is without what next released last.
	applied(led Ledger) bool
	// known is told, once, that what next released last has left the ledger.
	known()
}

// part makes one hand-back by itself, until its outcome is known.
func (l *life) part(ctx context.Context, p parting) error {
	c := l.change(p.of())
	c.applied = p.applied
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := p.next(led)
		if next.Equal(led) {
			return led, errNoChange
		}
		return next, nil
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	p.known()
	return nil
}

// together makes many hand-backs in as few steps of the store as they need. After
// anything but success all ledgers of a step are read again: a block that is gone
// tells that the step was applied, or that another way was quicker. A step that is
// still on its way can then only be applied if none of its ledgers has changed, and
// finds what it releases held.
type together struct {
	life  *life
	store BulkSwapper
	left  []parting
	seen  map[parting]Version // of what was sent
	alone []parting
}

// togetherTries bounds the steps that a hand-back takes part in.
const togetherTries = 3

// partTogether makes many hand-backs, at most MaxSwaps, and returns those of which
// nothing is known in the end: each may go on by itself, which is always right. An
// error says why there is no use in that now.
func (l *life) partTogether(ctx context.Context, all []parting) (alone []parting, err error) {
	store, ok := l.a.Config.Store.(BulkSwapper)
	if !ok || len(all) == 1 {
		return all, nil
	}
	t := &together{life: l, store: store, left: all, seen: make(map[parting]Version)}
	for try := 0; try < togetherTries && len(t.left) > 0; try++ {
		if err := pause(ctx, try); err != nil {
			return t.rest(), err
		}
		if err := t.round(ctx, callTimeout<<(try+1)); err != nil {
			return t.rest(), err
		}
	}
	return t.rest(), nil
}

func (t *together) rest() []parting { return append(t.alone, t.left...) }

// round reads the ledgers of all that are left and swaps what can be swapped.
func (t *together) round(ctx context.Context, timeout time.Duration) error {
	swaps, err := t.compute(ctx, timeout)
	if err != nil {
		return err
	}
	left := t.left
	t.left = nil
	for len(left) > 0 {
		n := fitting(swaps)
		if err := t.swap(ctx, timeout, left[:n], swaps[:n]); err != nil {
			t.left = append(t.left, left...)
			return err
		}
		left, swaps = left[n:], swaps[n:]
	}
	return nil
}

// compute reads the ledgers of all that are left and computes their changes; of those
// it keeps in left. What is gone already is known. A ledger that cannot be read, or
// that others have changed under a step, would only hold up the others.
func (t *together) compute(ctx context.Context, timeout time.Duration) ([]Replacement, error) {
	loaded, err := t.load(ctx, timeout)
	if err != nil {
		return nil, err
	}
	var swaps []Replacement
	var left []parting
	for i, p := range t.left {
		if loaded[i].Err != nil {
			t.alone = append(t.alone, p)
			continue
		}
		have := loaded[i]
		next := p.next(have.Ledger)
		sent, again := t.seen[p]
		switch {
		case next.Equal(have.Ledger):
			p.known()
		case again && sent != have.Version:
			t.alone = append(t.alone, p)
		default:
			t.seen[p] = have.Version
			left, swaps = append(left, p), append(swaps, Replacement{Series: p.of(), Old: have.Version, Next: next})
		}
	}
	t.left = left
	return swaps, nil
}

func (t *together) load(ctx context.Context, timeout time.Duration) ([]Loaded, error) {
	all := make([]Series, len(t.left))
	for i, p := range t.left {
		all[i] = p.of()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	loaded, err := t.store.LoadMany(ctx, all)
	if t.life.a.Config.Store.Restored() != t.life.restored {
		return nil, fmt.Errorf("the store went back in time: %w", ErrLost)
	}
	if err != nil {
		return nil, fmt.Errorf("load %d ledgers: %w: %w", len(all), ErrUnavailable, err)
	}
	return loaded, nil
}

// swap makes one step. Nothing is known of a step that was not applied: its
// hand-backs stay, for the next round.
func (t *together) swap(ctx context.Context, timeout time.Duration, all []parting, swaps []Replacement) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := t.store.SwapMany(ctx, t.life.holder.Name, swaps)
	switch {
	case err == nil:
		for _, p := range all {
			p.known()
		}
		return nil
	case errors.Is(err, ErrLost):
		return err
	case errors.Is(err, ErrConflict):
		t.life.a.counts.conflicts.Add(1)
	default:
		t.life.a.counts.unknown.Add(1)
	}
	t.left = append(t.left, all...)
	return nil
}

// fitting returns how many of the first of swaps make one step; at least one.
func fitting(swaps []Replacement) int {
	size := 0
	over := slices.IndexFunc(swaps, func(r Replacement) bool {
		size += len(r.Old)
		return size > MaxSwapBytes
	})
	if over < 0 {
		return len(swaps)
	}
	return max(1, over)
}
