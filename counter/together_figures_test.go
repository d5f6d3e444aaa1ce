package counter_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// TestAQuietInvoiceCostsLittleMoreThanOneTransaction: a hundred series with an
// invoice every few minutes each, spread over them, one by one for comparison.
func TestAQuietInvoiceCostsLittleMoreThanOneTransaction(t *testing.T) {
	for _, gap := range []time.Duration{2 * time.Minute, 5 * time.Minute} {
		t.Run(gap.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &countertest.Mem{}
				each := costOfQuiet(t, m, m, gap)
				t.Logf("%.3f transactions an invoice", each)
				if each > 1.1 {
					t.Errorf("%.3f transactions an invoice, want at most 1.1", each)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				m := &countertest.Mem{}
				if each := costOfQuiet(t, m, struct{ counter.Store }{m}, gap); each < 1.5 {
					t.Errorf("%.3f transactions an invoice one by one: the test shows nothing", each)
				}
			})
		})
	}
}

// costOfQuiet returns how many transactions of m an invoice costs by way of store.
func costOfQuiet(t *testing.T, m *countertest.Mem, store counter.Store, gap time.Duration) float64 {
	const rounds = 10
	all := manyOf(100)
	r := run(t, counter.Config{Store: store})
	for round := range rounds {
		for _, s := range all {
			if got := issueOf(t, r, s); got != int64(round)+1 {
				t.Fatalf("invoice %d of %s has number %d", round+1, s, got)
			}
			time.Sleep(gap / time.Duration(len(all)))
		}
	}
	time.Sleep(3 * time.Minute) // the last are handed back, too
	if held, _ := heldIn(t, m, all); held != 0 {
		t.Errorf("%d series are still held", held)
	}
	r.stop()
	return float64(m.Swaps()) / float64(rounds*len(all))
}

func TestInAnOutageIdleSeriesCostOneAttemptAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, plant := plantable()
		all := manyOf(300)
		r := run(t, counter.Config{Store: m})
		leaveOneOfEach(t, r, all)
		var reads atomic.Int64
		plant(func(op string) countertest.Fault {
			if op == "LoadMany" || op == "Load" {
				reads.Add(1)
			}
			return countertest.Fault{Drop: true}
		})
		time.Sleep(2 * time.Minute)
		if got := reads.Load(); got == 0 || got > 15 {
			t.Errorf("%d reads in a minute, want one every five seconds", got)
		}
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		time.Sleep(10 * time.Second)
		wantAllFree(t, m, r, all)
		r.stop()
	})
}

// TestNoStepIsLargerThanAStoreTakes: ledgers are as long as they get.
func TestNoStepIsLargerThanAStoreTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		weighed := &weighing{Mem: m}
		all := manyOf(200)
		r := run(t, counter.Config{Store: weighed})
		other, err := m.Register(t.Context(), counter.Holder{Name: "other.1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all[:100] {
			for range 100 {
				reserveAs(t, m, "other.1", s, 1)
			}
		}
		for _, s := range all {
			issueOf(t, r, s)
		}
		time.Sleep(3 * time.Minute)
		r.stop()
		most, steps := 0, 0
		for _, step := range weighed.steps {
			most, steps = max(most, step.bytes), steps+1
			if step.bytes > counter.MaxSwapBytes || step.ledgers > counter.MaxSwaps {
				t.Errorf("a step of %d ledgers and %d bytes", step.ledgers, step.bytes)
			}
		}
		if steps > 15 || most < counter.MaxSwapBytes/2 {
			t.Errorf("%d steps of at most %d bytes: the test shows nothing", steps, most)
		}
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if l, _, err := m.Load(t.Context(), s); err != nil || len(l.HeldBy("other.1")) != len(l.Held) {
				t.Fatalf("%s: %+v, %v; want only other's blocks", s, l, err)
			}
		}
	})
}

// weighing notes how large each step is.
type weighing struct {
	*countertest.Mem
	mu    sync.Mutex
	steps []weight
}

type weight struct{ ledgers, bytes int }

func (w *weighing) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	s := weight{ledgers: len(all)}
	for _, r := range all {
		s.bytes += len(r.Old)
	}
	w.mu.Lock()
	w.steps = append(w.steps, s)
	w.mu.Unlock()
	return w.Mem.SwapMany(ctx, holder, all)
}
