package counter_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

var (
	seeds   = flag.Int("seeds", 60, "how many simulations to run")
	from    = flag.Int("from", 0, "the first seed")
	figures = flag.Bool("figures", false, "print the figures of the simulations")
)

// TestSimulation runs replicas that crash, are paused, lose their leases and lose
// replies, against a store that has latency, goes away for long and may be
// restored from a snapshot, in virtual time. Odd seeds are small worlds, even ones
// wide: see pace. From the rows and the ledgers alone it derives that no number was
// given twice and none is missing, and, when faults are over, that each holder knows
// what it holds and every seek succeeds. A seed that fails prints its history; -from
// and -seeds 1 run it again, though never quite the same: goroutines take turns as
// the runtime pleases.
func TestSimulation(t *testing.T) {
	var total simCounts
	begun := time.Now()
	t.Run("seeds", func(t *testing.T) {
		for i := range *seeds {
			seed := uint64(*from + i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { simulate(t, seed, &total) })
			})
		}
	})
	line := fmt.Sprintf("%d seeds: %s, %.0f s", *seeds, &total, time.Since(begun).Seconds())
	if *figures {
		fmt.Println(line)
	}
	t.Log(line)
	if *seeds >= 60 && total.lacks() != "" {
		t.Errorf("it never came to this: %s; the simulation shows nothing of it", total.lacks())
	}
}

// simSeries are the series of a simulation; both are used by every replica.
var simSeries = []counter.Series{invoices, {Tenant: "acme", Name: "credit-note"}}

// world is one simulated run.
type world struct {
	t       *testing.T
	mem     *countertest.Mem
	rows    *countertest.Rows
	history history
	total   *simCounts

	pace     pace
	rules    counter.Rules
	ownerly  bool // there is an owner; without one, what the dead had is forfeited
	restores bool // the store is restored from a snapshot once
	outages  bool // the store goes away for long once

	over chan struct{} // closed when no disaster will befall the store any more
	calm atomic.Bool   // no more faults
	away atomic.Bool   // the store is away
	deaf atomic.Bool   // the store does most of what it is asked, and hardly any reply comes through

	mu     sync.Mutex // guards what follows
	rand   *rand.Rand
	given  map[counter.Series]map[int64]string // who spent a number
	sought map[counter.Series]int64            // up to here nothing may be given any more
	tried  map[counter.Series]int64            // the farthest seek, successful or not
}

func simulate(t *testing.T, seed uint64, total *simCounts) {
	w := &world{
		t: t, mem: &countertest.Mem{}, rows: &countertest.Rows{}, total: total, over: make(chan struct{}),
		rand: rand.New(rand.NewPCG(seed, 1)), given: map[counter.Series]map[int64]string{}, sought: map[counter.Series]int64{}, tried: map[counter.Series]int64{},
	}
	if w.pace = w.wide(); seed%2 == 1 {
		w.pace = w.small()
		w.rules.Bounds.Min = int64(w.intn(4))
	}
	w.ownerly = w.intn(8) != 0
	w.restores = w.ownerly && w.intn(4) == 0
	w.outages = w.intn(3) == 0
	w.rules.First = []int64{0, 1, 1001}[w.intn(3)]
	if w.intn(3) == 0 {
		w.rules.Limit = w.rules.First + 100 + int64(w.intn(400))
	}
	w.mem.Faults = w.fault
	var actors sync.WaitGroup
	actors.Go(w.disasters)
	actors.Go(w.silences)
	for slot := range w.pace.pods {
		actors.Go(func() {
			for life := range 3 {
				w.replica(fmt.Sprintf("pod-%d-%d", slot, life), life == 2)
			}
		})
	}
	actors.Wait()
	w.useAnew()
	w.judgeAll() // before the coda too: its seeks settle what others have left undone
	w.coda()
	w.judgeAll()
	if t.Failed() {
		t.Logf("the history of seed %d:\n%s", seed, w.history.String())
	}
}

// disasters befall the store itself.
func (w *world) disasters() {
	defer close(w.over)
	if w.outages {
		time.Sleep(w.upTo(80 * time.Second))
		w.history.note("the store goes away")
		which := []*atomic.Bool{&w.away, &w.deaf}[w.intn(2)]
		which.Store(true)
		time.Sleep(w.upTo(40 * time.Second))
		which.Store(false)
		w.history.note("the store is back")
	}
	if w.restores {
		time.Sleep(w.upTo(20 * time.Second))
		old := w.mem.Snapshot()
		w.history.note("a snapshot of the store is made")
		time.Sleep(w.upTo(20 * time.Second))
		w.mem.Restore(old)
		w.history.note("the store is restored from it")
	}
}

// useAnew uses each series once in a life that begins now. A ledger that was restored
// is raised when its series is used by a life that began afterwards; who had not
// noticed the restore may have stored rows after the last use of the others.
func (w *world) useAnew() {
	if !w.restores {
		return
	}
	w.calm.Store(true)
	r := w.start("anew", true)
	r.useAll()
	r.stop()
}

// alive reports whether a holder is registered, by a swap that can only fail.
func (w *world) alive(holder string) bool {
	err := w.mem.Swap(context.Background(), holder, counter.Series{}, "no such version", counter.Ledger{})
	return errors.Is(err, counter.ErrConflict)
}

// stumble is a failure of the owner of the rows, who may yet have done the work.
func (w *world) stumble() error {
	if w.calm.Load() || w.intn(8) != 0 {
		return nil
	}
	return countertest.ErrFault
}

func (w *world) intn(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.intn(int(d))) + 1 }
