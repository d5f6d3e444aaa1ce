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

var seeds = flag.Int("seeds", 60, "how many simulations to run")

// TestSimulation runs replicas that crash, lose their leases and lose replies
// against a store that has latency, in virtual time, and derives at the end,
// from the rows and the ledger alone, that no number was given twice and none
// is missing.
func TestSimulation(t *testing.T) {
	var total simCounts
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, uint64(seed), &total) })
		})
	}
	t.Logf("%d seeds: %d rows, %d fenced writes, %d unknown outcomes, %d blocks settled, %d lives",
		*seeds, total.rows.Load(), total.fenced.Load(), total.unknown.Load(), total.settled.Load(), total.lives.Load())
	if total.fenced.Load() == 0 || total.unknown.Load() == 0 || total.settled.Load() == 0 {
		t.Error("a rare state never came about: the simulation shows nothing")
	}
}

type simCounts struct{ rows, fenced, unknown, settled, lives atomic.Int64 }

// world is one simulated run.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	mem   *countertest.Mem
	rows  *countertest.Rows
	calm  atomic.Bool // no more faults
	total *simCounts
	mu    sync.Mutex // guards rand
}

// cuttable is a replica's way to the store, which a crash cuts for good.
type cuttable struct {
	counter.Store
	cut atomic.Bool
}

func (c *cuttable) Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error) {
	if c.cut.Load() {
		return counter.Ledger{}, "", countertest.ErrFault
	}
	return c.Store.Load(ctx, s)
}

func (c *cuttable) Swap(ctx context.Context, h string, s counter.Series, v counter.Version, l counter.Ledger) error {
	if c.cut.Load() {
		return countertest.ErrFault
	}
	return c.Store.Swap(ctx, h, s, v, l)
}

func simulate(t *testing.T, seed uint64, total *simCounts) {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 1)), mem: &countertest.Mem{}, rows: &countertest.Rows{}, total: total}
	w.mem.Faults = w.fault
	var slots sync.WaitGroup
	for slot := range 3 {
		slots.Go(func() {
			for life := range 3 {
				w.replica(fmt.Sprintf("pod-%d-%d", slot, life), life == 2)
			}
		})
	}
	slots.Wait()
	l := ledgerOf(t, w.mem)
	if odd := countertest.Unaccounted(l, w.rows, invoices); odd != nil {
		t.Errorf("unaccounted: %v in %+v", odd, l)
	}
	if n := w.rows.Taken(); n > 0 {
		t.Errorf("%d numbers were given although they had a row", n)
	}
	if len(l.Held) > 0 {
		t.Errorf("still held at the end: %v", l.Held)
	}
}

// replica lives for a while under load and then crashes, or, if it is the last
// of its slot, waits until all is settled and stops in good order.
func (w *world) replica(pod string, last bool) {
	link := &cuttable{Store: w.mem}
	r := run(w.t, counter.Config{Store: link, Owner: w.rows, Pod: pod, HandBack: time.Minute})
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range w.intn(6) + 1 {
		clients.Go(func() { w.client(r, stop) })
	}
	time.Sleep(w.upTo(20 * time.Second))
	if w.intn(2) == 0 {
		w.mem.Expire(r.Holder()) // a lease that ended although its holder lives
		time.Sleep(w.upTo(10 * time.Second))
	}
	if last {
		time.Sleep(30 * time.Second)
		w.calm.Store(true)
		time.Sleep(30 * time.Second)
	} else {
		link.cut.Store(true)
		defer w.mem.Expire(r.Holder())
	}
	close(stop)
	clients.Wait()
	if last {
		time.Sleep(30 * time.Second) // the sweepers of all settle who crashed
	}
	s := r.Stats()
	w.total.unknown.Add(s.Unknown)
	w.total.settled.Add(s.Settled)
	w.total.lives.Add(s.Lives)
	r.stop()
}

// client issues one invoice after the other, slowly enough that faults fall in
// between.
func (w *world) client(r *replica, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		n, err := r.Take(ctx, invoices)
		cancel()
		if err != nil {
			continue
		}
		w.write(r, n)
		time.Sleep(w.upTo(200 * time.Millisecond))
	}
}

func (w *world) write(r *replica, n counter.Number) {
	if w.intn(20) == 0 {
		n.Return() // the client went away before anything was sent
		return
	}
	n.Offer()
	if w.intn(20) == 0 {
		time.Sleep(w.upTo(20 * time.Second)) // a pause of the process
	}
	err := w.rows.Write(n.Block(), invoices, n.Value(), "invoice")
	switch {
	case errors.Is(err, countertest.ErrFenced):
		w.total.fenced.Add(1)
		r.Abandon(n.Block().Holder)
	case err != nil:
		n.Spend()
	case w.intn(20) == 0:
		n.Doubt()
	default:
		w.total.rows.Add(1)
		n.Spend()
	}
}

// fault draws the two bits, and the delays, of one call.
func (w *world) fault(string, counter.Series) countertest.Fault {
	f := countertest.Fault{Delay: w.upTo(10 * time.Millisecond), Late: w.upTo(10 * time.Millisecond)}
	if w.calm.Load() {
		return f
	}
	switch w.intn(12) {
	case 0:
		f.Drop = true
	case 1:
		f.Mute = true
	case 2:
		f.Delay = w.upTo(3 * time.Second)
	case 3:
		f.Stray = w.upTo(5 * time.Second)
	}
	return f
}

func (w *world) intn(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.intn(int(d))) + 1 }
