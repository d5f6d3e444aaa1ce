package countertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"folio/counter"
)

// swapMany sends a swap of many until its outcome is known, as swap does one. It
// holds what it is told, and what it finds each time that it looks, against the
// promise that all are replaced or none.
func (c *caller) swapMany(holder string, all []counter.Replacement) error {
	store := c.store.(counter.BulkSwapper)
	end := time.Now().Add(knownWithin)
	for unknown := int64(0); ; unknown++ {
		told := c.once(func(ctx context.Context) error { return store.SwapMany(ctx, holder, all) })
		now, err := c.lookAt(all)
		if err != nil {
			return err
		}
		switch {
		case told == nil && !now.replaced:
			return errors.New("told that the ledgers were replaced, they are not")
		case told == nil:
			c.seen.add(0, unknown)
			return nil
		case now.replaced && unknown == 0 && known(told):
			return fmt.Errorf("told %q, but the ledgers were replaced", told)
		case errors.Is(told, counter.ErrConflict) && now.untouched:
			return fmt.Errorf("told %q, but the ledgers are the very ones that were to be replaced", told)
		case c.seen == nil && !known(told):
			return fmt.Errorf("not a known outcome: %w", told)
		case now.replaced:
			c.seen.add(1, 0)
			return nil
		case known(told):
			return told
		case time.Now().After(end):
			return fmt.Errorf("not known in time: %w", told)
		}
		time.Sleep(repeatAfter)
	}
}

func known(told error) bool {
	return told == nil || errors.Is(told, counter.ErrConflict) || errors.Is(told, counter.ErrLost)
}

// add notes unknown outcomes that were found out. A nil tally needs no notes.
func (y *tally) add(after, before int64) {
	if y != nil {
		y.after.Add(after)
		y.before.Add(before)
	}
}

// outcome is what is found of a step: all ledgers are as it leaves them, or as it
// wants them, or something in between, as others may have replaced some.
type outcome struct{ replaced, untouched bool }

// lookAt reads the ledgers of a step, and all once more if some are replaced and
// others are not: the step may land in between.
func (c *caller) lookAt(all []counter.Replacement) (outcome, error) {
	for range 3 {
		replaced, untouched := 0, 0
		for _, r := range all {
			l, v, err := c.tryLoad(r.Series)
			switch {
			case err != nil:
				return outcome{}, err
			case l.Equal(r.Next):
				replaced++
			case v == r.Old:
				untouched++
			}
		}
		if replaced == 0 || replaced == len(all) {
			return outcome{replaced: replaced > 0, untouched: untouched == len(all)}, nil
		}
	}
	return outcome{}, errors.New("some ledgers were replaced and others were not")
}

// many reserves a block of count series for holder, and returns the step that
// releases them.
func (c *caller) many(holder string, count int) (all []counter.Replacement) {
	c.Helper()
	for i := range count {
		s := counter.Series{Tenant: "many-" + strconv.Itoa(100+i), Name: "invoice", Period: "2026"}
		l, b := c.reserve(holder, s, 3)
		_, v := c.load(s)
		next, err := l.Release(b, []counter.Range{{First: b.First + 1, Last: b.Last}}, time.Now().UTC())
		if err != nil {
			c.Fatal(err)
		}
		all = append(all, counter.Replacement{Series: s, Old: v, Next: next})
	}
	return all
}

// ofMany is a property of stores that swap many ledgers at once.
func ofMany(show func(*caller)) func(*caller) {
	return func(c *caller) {
		if _, ok := c.store.(counter.BulkSwapper); !ok {
			c.Log("this store swaps one ledger at a time")
			return
		}
		show(c)
	}
}

func seriesOf(all []counter.Replacement) (series []counter.Series) {
	for _, r := range all {
		series = append(series, r.Series)
	}
	return series
}

// swapMany: as many as may be, with others' blocks in some of the ledgers.
func swapMany(c *caller) {
	one, _ := c.register("pod.1")
	two, _ := c.register("pod.2")
	count := counter.MaxSwaps
	if c.seen != nil {
		count = 6 // to make them takes hundreds of calls
	}
	all := c.many(one, count)
	c.reserve(two, all[0].Series, 5)
	l, v := c.load(all[0].Series)
	next, err := l.Release(l.HeldBy(one)[0], nil, time.Time{})
	if err != nil {
		c.Fatal(err)
	}
	all[0].Old, all[0].Next = v, next
	c.wantHeld(one, seriesOf(all)...)
	if err := c.swapMany(one, all); err != nil {
		c.Fatal(err)
	}
	c.wantHeld(one)
	c.wantHeld(two, all[0].Series)
	c.wantHolding(two)
}

// newMany: ledgers that were not there are made, and their blocks are found at once.
func newMany(c *caller) {
	pod, _ := c.register("pod.1")
	var all []counter.Replacement
	for _, s := range []counter.Series{invoices, proforma} {
		next, _, err := counter.Ledger{}.Reserve(counter.Want{Holder: pod, Count: 3})
		if err != nil {
			c.Fatal(err)
		}
		all = append(all, counter.Replacement{Series: s, Next: next})
	}
	if err := c.swapMany(pod, all); err != nil {
		c.Fatal(err)
	}
	c.wantHeld(pod, invoices, proforma)
}

func conflictOfMany(c *caller) {
	pod, _ := c.register("pod.1")
	all := c.many(pod, 3)
	for _, odd := range []int{0, len(all) - 1} {
		for _, v := range []counter.Version{"", "not a version"} { // the first was its value once
			one := slices.Clone(all)
			one[odd].Old = v
			c.wantNone(pod, one, counter.ErrConflict)
		}
	}
}

func lostMany(c *caller) {
	pod, reg := c.register("pod.1")
	all := c.many(pod, 3)
	c.wantNone("nobody.1", all, counter.ErrLost)
	c.close(reg)
	c.wantNone(pod, all, counter.ErrLost)
}

// wantNone wants a swap of many to be refused, and nothing to have changed.
func (c *caller) wantNone(holder string, all []counter.Replacement, want error) {
	c.Helper()
	series := seriesOf(all)
	held := c.heldBy(holder)
	before := make([]counter.Version, len(series))
	for i, s := range series {
		_, before[i] = c.load(s)
	}
	if err := c.swapMany(holder, all); !errors.Is(err, want) {
		c.Fatalf("got %v, want %v", err, want)
	}
	for i, s := range series {
		if l, v := c.load(s); v != before[i] {
			c.Fatalf("a refused step changed %s to %+v", s, l)
		}
	}
	if got := c.heldBy(holder); !slices.Equal(got, held) {
		c.Fatalf("after a refused step %s holds %v, want %v", holder, got, held)
	}
}

// racingMany: of steps that meet in one ledger one wins, whole.
func racingMany(c *caller) {
	pod, _ := c.register("pod.1")
	all := c.many(pod, 4)
	steps := [][]counter.Replacement{all[:3:3], all[1:]}
	steps[1] = slices.Clone(steps[1])
	for i := range steps[1] {
		steps[1][i].Next.Serial++ // so that they are told apart
	}
	told := make([]error, len(steps))
	var racing sync.WaitGroup
	for i, step := range steps {
		racing.Go(func() { told[i] = c.swapMany(pod, step) })
	}
	racing.Wait()
	c.wantOneWon(told)
}

func cancelledMany(c *caller) {
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	next := counter.Ledger{Mark: 1}
	err := c.store.(counter.BulkSwapper).SwapMany(ctx, "pod.1", []counter.Replacement{{Series: invoices, Next: next}, {Series: proforma, Next: next}})
	if err == nil {
		c.Error("swap many: no error")
	}
}
