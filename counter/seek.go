package counter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxSeek is the most numbers that one call of [Allocator.Seek] skips.
const MaxSeek = 1_000_000

// reasonSeek is why numbers are void that a seek skipped and gave no reason for.
const reasonSeek = "seek"

// Seek makes sure that no number of s up to mark is ever given again, by any
// replica. What could still have been given is void, for the reason given ("" is
// "seek"); the next number is mark+1 or higher. When it returns nil, no block that
// begins at or below mark is left in the ledger.
//
// Holders are asked to hand back what they have; the dead are settled. A living
// one that does not answer before ctx ends gives an error that wraps
// ErrUnavailable and names it. Seek may be called again after any error: what it
// has done so far it does not do twice. Errors: ErrTooFar, ErrUnavailable,
// ErrDamaged, ErrClosed.
func (a *Allocator) Seek(ctx context.Context, s Series, mark int64, reason string) error {
	l, err := a.living(ctx)
	if err == nil {
		k := &seek{life: l, series: s, mark: mark, reason: cmp.Or(reason, reasonSeek)}
		err = k.run(ctx)
		l.loseIfLost(err)
	}
	if errors.Is(err, ErrLost) {
		err = unavailable(s, err) // the next life may do it
	}
	if err != nil {
		return fmt.Errorf("seek %s to %d: %w", s, mark, err)
	}
	return nil
}

// seek is one call of Seek. What it skips is for a while in blocks of its own
// holder, like any other: if this replica dies, others settle them.
type seek struct {
	life    *life
	series  Series
	mark    int64
	reason  string  // of what it skips
	waiting []Block // that are still in the ledger
}

func (k *seek) run(ctx context.Context) error {
	floor, err := k.life.floor(k.series)
	if err != nil {
		return err
	}
	rules, err := k.life.a.rules(ctx, k.series)
	if err != nil {
		return err
	}
	for try := 0; pause(ctx, try) == nil; try++ {
		done, err := k.round(ctx, rules, floor)
		if done || err != nil && !errors.Is(err, ErrUnavailable) {
			return err
		}
	}
	return unavailable(k.series, errors.Join(context.Cause(ctx), k.blame()))
}

// blame names the holders that have not handed back.
func (k *seek) blame() error {
	var who []string
	for _, b := range k.waiting {
		who = append(who, fmt.Sprintf("%s still holds %s", b.Holder, b.Range))
	}
	if who == nil {
		return nil
	}
	return fmt.Errorf("%s; call again", strings.Join(who, ", "))
}

// round makes one attempt; done is true when nothing is left to wait for.
func (k *seek) round(ctx context.Context, rules Rules, floor int64) (done bool, err error) {
	if err := k.setAside(ctx, rules, floor); err != nil {
		return false, err
	}
	if err := k.release(ctx); err != nil {
		return false, err
	}
	if done, err := k.inspect(ctx); done || err != nil {
		return done, err
	}
	return false, k.call(ctx)
}

// setAside reserves whatever could still be given. A reservation that was sent has
// to be known before the next one of this holder is made, for both could compute
// the same serial and range, and so the same block: so it takes the place of the
// series' refill, and goes on for as long as it must, even if nobody waits for it.
func (k *seek) setAside(ctx context.Context, rules Rules, floor int64) error {
	sh := k.life.shelf(k.series)
	if sh == nil {
		return ErrLost
	}
	if err := sh.claimRefill(ctx); err != nil {
		return unavailable(k.series, err)
	}
	done := make(chan error, 1)
	running := k.life.spawn(func() {
		done <- k.reserveAside(ctx, rules, floor)
		if !sh.refilled() {
			k.life.refillShelf(sh)
		}
	})
	if !running {
		return ErrLost
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return unavailable(k.series, context.Cause(ctx))
	}
}

// reserveAside is setAside within the life; ctx says whether anybody still waits.
func (k *seek) reserveAside(ctx context.Context, rules Rules, floor int64) error {
	var added []Block
	c := k.life.change(k.series)
	c.wanted = func() bool { return ctx.Err() == nil }
	c.applied = func(led Ledger) bool { return !slices.ContainsFunc(added, func(b Block) bool { return !led.Holds(b) }) }
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next, aside, err := k.aside(led, rules, floor)
		added = aside
		return next, err
	}
	if err := c.run(k.life.ctx); err != nil {
		return err
	}
	k.life.noteAside(k.series, added)
	return nil
}

// aside computes the transition.
func (k *seek) aside(led Ledger, rules Rules, floor int64) (Ledger, []Block, error) {
	was := led
	led, err := led.Begin(rules.First)
	if err != nil {
		return led, nil, err
	}
	if k.mark-max(led.Mark, floor) > MaxSeek {
		return led, nil, fmt.Errorf("%w: the mark is %d, at most %d may be skipped at once", ErrTooFar, led.Mark, MaxSeek)
	}
	to := k.mark
	if led.Mark < floor {
		to = max(to, floor)
	}
	next, aside, err := led.SetAside(Want{Holder: k.life.holder.Name, Era: k.life.era, At: time.Now().UTC()}, to)
	if err == nil && next.Equal(was) {
		err = errNoChange
	}
	return next, aside, err
}

// noteAside remembers blocks that a seek has reserved, for as long as this life
// lasts: no shelf knows them, and a later call of Seek has to find them.
func (l *life) noteAside(s Series, blocks []Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aside == nil {
		l.aside = make(map[Series][]Block)
	}
	l.aside[s] = append(l.aside[s], blocks...)
}

func (l *life) asideOf(s Series) []Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.aside[s])
}

// forgetAside is told which of them are known to have left the ledger.
func (l *life) forgetAside(s Series, gone []Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aside[s] = slices.DeleteFunc(l.aside[s], func(b Block) bool { return slices.ContainsFunc(gone, b.Is) })
	if len(l.aside[s]) == 0 {
		delete(l.aside, s)
	}
}

// release has what was set aside void, and then lets it leave the ledger.
func (k *seek) release(ctx context.Context) error {
	aside, err := k.setAsideIn(ctx)
	if len(aside) == 0 || err != nil {
		return err
	}
	var ranges []Range
	for _, b := range aside {
		ranges = append(ranges, b.Range)
	}
	if err := k.life.voidOf(ctx, k.series, ranges, k.reason); err != nil {
		return err
	}
	c := k.life.change(k.series)
	c.applied = func(led Ledger) bool { return !slices.ContainsFunc(aside, led.Holds) }
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := led
		for _, b := range aside {
			if !next.Holds(b) {
				continue
			}
			var err error
			if next, err = next.Release(b, nil, time.Time{}); err != nil {
				return led, err
			}
		}
		if next.Equal(led) {
			return led, errNoChange
		}
		return next, nil
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	k.life.forgetAside(k.series, aside)
	return nil
}

// setAsideIn returns the blocks of this life's seeks that are in the ledger.
func (k *seek) setAsideIn(ctx context.Context) ([]Block, error) {
	led, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(k.life.asideOf(k.series), func(b Block) bool { return !led.Holds(b) }), nil
}

func (k *seek) load(ctx context.Context) (Ledger, error) {
	led, _, err := k.life.change(k.series).load(ctx, callTimeoutMax)
	if err != nil && !errors.Is(err, ErrDamaged) {
		err = unavailable(k.series, err)
	}
	return led, err
}

// inspect reads what is left in the ledger up to the mark.
func (k *seek) inspect(ctx context.Context) (done bool, err error) {
	led, err := k.load(ctx)
	if err != nil {
		return false, err
	}
	k.waiting = slices.DeleteFunc(slices.Clone(led.Held), func(b Block) bool { return b.First > k.mark })
	free := len(led.Free) > 0 && led.Free[0].First <= k.mark
	return len(k.waiting) == 0 && !free && led.Mark >= k.mark, nil
}

// call asks the living for what they hold and settles the dead.
func (k *seek) call(ctx context.Context) error {
	callCtx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	store := k.life.a.Config.Store
	if err := store.CallIn(callCtx, k.series, k.mark); err != nil {
		return unavailable(k.series, err)
	}
	k.life.callIn(k.series, k.mark)
	alive, err := store.Alive(callCtx)
	if err != nil {
		return unavailable(k.series, err)
	}
	for _, b := range k.waiting {
		if !slices.Contains(alive, b.Holder) {
			if err := k.life.settle(ctx, b.Holder, k.series); err != nil {
				return unavailable(k.series, err)
			}
		}
	}
	return nil
}
