package counter_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// outage is a store that can be away, and counts who knocks meanwhile.
type outage struct {
	countertest.Mem
	away     atomic.Bool
	attempts atomic.Int64
}

func newOutage() *outage {
	o := &outage{}
	o.Faults = func(op string, _ counter.Series) countertest.Fault {
		if op == "Load" && o.away.Load() {
			o.attempts.Add(1)
		}
		return countertest.Fault{Drop: o.away.Load()}
	}
	return o
}

func TestALongOutageCostsOneAttemptAtATimeAndCallersAreToldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage()
		r := run(t, counter.Config{Store: o})
		r.issue()
		o.away.Store(true)
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() {
				begun := time.Now()
				if _, err := r.Take(context.Background(), invoices); !errors.Is(err, counter.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable", err)
				}
				if waited := time.Since(begun); waited > 15*time.Second {
					t.Errorf("waited %s for the bad news", waited)
				}
			})
			time.Sleep(60 * time.Millisecond) // a minute in all
		}
		callers.Wait()
		if got := o.attempts.Load(); got < 10 || got > 120 {
			t.Errorf("%d attempts in a minute of outage, want about one each 1.5 s", got)
		}
		o.away.Store(false)
		if got := r.issue(); got != 2 {
			t.Errorf("after the outage came %d, want 2", got)
		}
		r.stop()
	})
}

func TestCallersOfShortPatienceDoNotMakeMoreAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutage()
		r := run(t, counter.Config{Store: o})
		r.issue()
		o.away.Store(true)
		for range 300 {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			if _, err := r.Take(ctx, invoices); !errors.Is(err, counter.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			cancel()
		}
		if got := o.attempts.Load(); got > 100 {
			t.Errorf("%d attempts in a minute of outage, with 300 callers one after the other", got)
		}
		o.away.Store(false)
		r.issue()
		r.stop()
	})
}

func TestAStoreInAnotherHistoryEndsTheLifeAndNoNumberComesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		old := m.Snapshot()
		for range 40 {
			if err := store(rows, r.take()); err != nil {
				t.Fatal(err)
			}
		}
		first := r.Holder()
		m.Restore(old)
		time.Sleep(time.Minute)
		if r.Holder() == first {
			t.Fatal("the life went on with what it held in another history")
		}
		for range 20 {
			if err := store(rows, r.take()); err != nil {
				t.Fatalf("after the restore: %v", err)
			}
		}
		if r.Stats().Raised == 0 {
			t.Error("no mark was raised: the test shows nothing")
		}
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Fatalf("unaccounted: %v", odd)
		}
	})
}

func TestALedgerThatGoesBackUnderItsHolderIsNoticedAtTheNextRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		old := m.Text(invoices)
		for range 5 {
			if err := store(rows, r.take()); err != nil {
				t.Fatal(err)
			}
		}
		m.Put(invoices, old) // etcdctl put
		if err := store(rows, r.take()); err != nil {
			t.Fatalf("a number was given twice: %v", err)
		}
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Fatalf("unaccounted: %v", odd)
		}
	})
}

func TestAMarkIsRaisedOverNumbersThatAreForfeitedWithoutAnOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, plant := plantable()
		r := run(t, counter.Config{Store: m})
		r.issue()
		old := m.Text(invoices)
		for range 5 {
			r.issue()
		}
		m.Put(invoices, old)
		swaps := 0
		plant(func(op string) countertest.Fault {
			if op == "Swap" {
				swaps++
			}
			return countertest.Fault{Drop: op == "Swap" && swaps < 3} // it takes several attempts
		})
		if got := r.issue(); got != 7 {
			t.Errorf("got %d, want 7", got)
		}
		if s := r.Stats(); s.Raised != 1 || s.Forfeited != 5 || s.Unknown < 2 {
			t.Errorf("%d marks raised over %d numbers, %d unknown outcomes; want 1, 5 and at least 2", s.Raised, s.Forfeited, s.Unknown)
		}
		r.stop()
	})
}

func TestADeadHolderOfWhomTheWatchTellsIsSettledAtOnce(t *testing.T) {
	for name, blind := range map[string]bool{"by the watch": false, "by the scan": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rows := &countertest.Mem{}, &countertest.Rows{}
				m.Faults = func(op string, _ counter.Series) countertest.Fault {
					return countertest.Fault{Drop: blind && op == "Watch"}
				}
				dead := run(t, counter.Config{Store: m, Owner: rows, Pod: "a"})
				dead.take()
				b := run(t, counter.Config{Store: m, Owner: rows, Pod: "b"})
				time.Sleep(time.Second)
				m.Expire(dead.Holder())
				begun := time.Now()
				for dead.Stats().Settled+b.Stats().Settled == 0 { // its next life may do it, too
					time.Sleep(10 * time.Millisecond)
				}
				took, most := time.Since(begun), 300*time.Millisecond
				if blind {
					most = 16 * time.Second
				}
				if took > most {
					t.Errorf("settled after %s, want at most %s", took, most)
				}
			})
		})
	}
}

func TestWatchesThatBreakAreBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		a := run(t, counter.Config{Store: m, Owner: rows, Pod: "a"})
		b := run(t, counter.Config{Store: m, Owner: rows, Pod: "b"})
		a.take()
		for range 20 {
			m.BreakWatches()
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		m.Expire(a.Holder())
		time.Sleep(300 * time.Millisecond)
		if a.Stats().Settled+b.Stats().Settled == 0 {
			t.Error("nobody was told any more")
		}
	})
}
