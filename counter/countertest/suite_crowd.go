package countertest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"folio/counter"
)

// entrant is one of many swaps that are sent at once.
type entrant struct {
	holder string
	series counter.Series
	old    counter.Version
	next   counter.Ledger
	want   error
	got    error
}

// crowdedSwaps: swaps of many series at once, by several holders, are each as if it came
// alone, whether a store sends them together or not: what is refused holds up nothing,
// and what is not drags nothing along. So are the loads.
func crowdedSwaps(c *caller) {
	one, _ := c.register("pod.1")
	two, _ := c.register("pod.2")
	gone, reg := c.register("pod.3")
	c.close(reg)
	each := 6
	if c.seen != nil {
		each = 3 // to make them takes many calls
	}
	var all []*entrant
	var ones, twos []counter.Series
	for i := range 5 * each {
		e := &entrant{holder: one, series: counter.Series{Tenant: "crowd-" + strconv.Itoa(100+i), Name: "invoice", Period: "2026"}}
		c.enter(e, two)
		switch i % 5 {
		case 0:
			e.holder, e.want = gone, counter.ErrLost
		case 1:
			e.old, e.want = "", counter.ErrConflict // as if it were new
		case 2:
			e.holder = two
		}
		if i%5 > 2 {
			ones = append(ones, e.series)
		}
		twos = append(twos, e.series)
		next, _, err := e.next.Reserve(counter.Want{Holder: e.holder, Count: int64(i) + 1, At: time.Now().UTC()})
		if err != nil {
			c.Fatal(err)
		}
		e.next = next
		all = append(all, e)
	}
	c.sendAll(all)
	for _, e := range all {
		if !errors.Is(e.got, e.want) || e.want == nil && e.got != nil {
			c.Errorf("%s by %s: got %v, want %v", e.series, e.holder, e.got, e.want)
		}
	}
	c.wantHeld(one, ones...)
	c.wantHeld(two, twos...)
	c.wantHeld(gone)
	c.wantLoadedAtOnce(all)
}

// enter makes the ledger that e is to replace, with a block of holder in it.
func (c *caller) enter(e *entrant, holder string) {
	c.Helper()
	e.next, _ = c.reserve(holder, e.series, 3)
	_, e.old = c.load(e.series)
}

func (c *caller) sendAll(all []*entrant) {
	var sending sync.WaitGroup
	for _, e := range all {
		sending.Go(func() { e.got = c.swap(e.holder, e.series, e.old, e.next) })
	}
	sending.Wait()
}

// wantLoadedAtOnce loads all at once and wants each to be its own.
func (c *caller) wantLoadedAtOnce(all []*entrant) {
	c.Helper()
	errs := make([]error, len(all))
	var loading sync.WaitGroup
	for i, e := range all {
		loading.Go(func() {
			l, _, err := c.tryLoad(e.series)
			if replaced := l.Equal(e.next); err == nil && replaced != (e.got == nil) {
				err = fmt.Errorf("%s was told %v, and replaced: %v", e.series, e.got, replaced)
			}
			errs[i] = err
		})
	}
	loading.Wait()
	if err := errors.Join(errs...); err != nil {
		c.Fatal(err)
	}
}
