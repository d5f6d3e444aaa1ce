package counter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"folio/counter"
	"folio/counter/countertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var invoices = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

// replica is one allocator that runs until it is stopped.
type replica struct {
	*counter.Allocator
	t      *testing.T
	cancel context.CancelFunc
	done   chan struct{}
}

func run(t *testing.T, c counter.Config) *replica {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &replica{Allocator: &counter.Allocator{Config: c}, t: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	t.Cleanup(r.stop)
	return r
}

// stop ends the replica as SIGTERM does.
func (r *replica) stop() {
	r.cancel()
	<-r.done
}

func (r *replica) take() counter.Number {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := r.Take(ctx, invoices)
	if err != nil {
		r.t.Fatalf("take: %v", err)
	}
	return n
}

// issue takes a number and has it stored.
func (r *replica) issue() int64 {
	n := r.take()
	n.Offer()
	n.Spend()
	return n.Value()
}

func ledgerOf(t *testing.T, m *countertest.Mem) counter.Ledger {
	t.Helper()
	l, _, err := m.Load(context.Background(), invoices)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	return l
}

func wantLedger(t *testing.T, m *countertest.Mem, mark int64, held int, free ...counter.Range) {
	t.Helper()
	l := ledgerOf(t, m)
	var got []counter.Range
	for _, f := range l.Free {
		got = append(got, f.Range)
	}
	if l.Mark != mark || len(l.Held) != held || !slices.Equal(got, free) {
		t.Fatalf("mark %d, held %v, free %v; want mark %d, %d held, free %v", l.Mark, l.Held, got, mark, held, free)
	}
}

func TestAQuietTenantSeesOneTwoThreeFromAnyReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		replicas := []*replica{run(t, counter.Config{Store: m}), run(t, counter.Config{Store: m}), run(t, counter.Config{Store: m})}
		for i := range 12 {
			if got := replicas[i%3].issue(); got != int64(i)+1 {
				t.Fatalf("invoice %d got number %d", i+1, got)
			}
			time.Sleep(1500 * time.Millisecond)
		}
		if got := m.Swaps(); got != 12 {
			t.Errorf("%d transactions for 12 invoices, want one each", got)
		}
		for _, r := range replicas {
			r.stop()
		}
		wantLedger(t, m, 12, 0)
	})
}

func TestABusySeriesGetsBlocksOfAboutTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 6000 { // 100 a second for a minute
			r.issue()
			time.Sleep(10 * time.Millisecond)
		}
		before := m.Swaps()
		for range 6000 {
			r.issue()
			time.Sleep(10 * time.Millisecond)
		}
		if got := m.Swaps() - before; got > 8 {
			t.Errorf("%d swaps in a minute at a steady rate, want about six", got)
		}
		r.stop()
	})
}

func TestAGracefulStopLosesNoNumberAndLeavesNoBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 50 {
			r.issue()
		}
		r.stop()
		l := ledgerOf(t, m)
		if len(l.Held) != 0 {
			t.Fatalf("held after the stop: %v", l.Held)
		}
		if len(l.Free) != 1 || l.Free[0].First != 51 || l.Free[0].Last != l.Mark {
			t.Fatalf("free %v, mark %d; want 51 to the mark", l.Free, l.Mark)
		}
		if _, err := r.Take(context.Background(), invoices); !errors.Is(err, counter.ErrClosed) {
			t.Fatalf("take after the stop: %v", err)
		}
	})
}

func TestReturnedNumbersGoFirstLowestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 20 {
			r.issue()
		}
		a, b, c := r.take(), r.take(), r.take()
		c.Return()
		a.Return()
		if got := r.take().Value(); got != a.Value() {
			t.Errorf("got %d, want the returned %d", got, a.Value())
		}
		if got := r.take().Value(); got != c.Value() {
			t.Errorf("got %d, want the returned %d", got, c.Value())
		}
		b.Return()
		r.stop()
	})
}

func TestWhatIsSaidOfANumberTwiceIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		n := r.take()
		n.Offer()
		n.Spend()
		n.Return()
		n.Doubt()
		if got := r.take(); got.Value() == n.Value() {
			t.Fatalf("the spent number %d was given again", n.Value())
		} else {
			got.Return()
		}
		r.stop()
		wantLedger(t, m, 2, 0, counter.Range{First: 2, Last: 2})
	})
}

func TestABlockStaysInTheLedgerUntilItsNumbersAreSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		first := r.take() // block 1, taken, not yet spent
		second := r.take()
		if l := ledgerOf(t, m); len(l.Held) != 2 {
			t.Fatalf("held: %v; want both blocks, nothing is spent yet", l.Held)
		}
		first.Spend()
		second.Spend()
		r.take().Spend()
		if l := ledgerOf(t, m); len(l.Held) != 1 || l.Held[0].First != 3 {
			t.Fatalf("held: %v; want only the block of 3", l.Held)
		}
		r.stop()
		wantLedger(t, m, 3, 0)
	})
}

func TestAnIdleSeriesIsHandedBackAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 30 {
			r.issue()
		}
		if l := ledgerOf(t, m); len(l.Held) == 0 {
			t.Fatal("nothing held: the test tests nothing")
		}
		time.Sleep(80 * time.Second)
		l := ledgerOf(t, m)
		if len(l.Held) != 0 || len(l.Free) != 1 || l.Free[0].First != 31 {
			t.Fatalf("after the idle time: %+v", l)
		}
		if got := r.Stats().Series; got != 0 {
			t.Errorf("%d shelves are kept for nobody", got)
		}
		if got := r.issue(); got != 31 {
			t.Errorf("the next number is %d, want 31", got)
		}
		r.stop()
	})
}

func TestWhatABurstLeftIsHandedBackAlthoughTheSeriesNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 2000 { // within a second
			r.issue()
			time.Sleep(500 * time.Microsecond)
		}
		if left := r.Stats().Left; left < 500 {
			t.Fatalf("%d are left of the burst: the test tests nothing", left)
		}
		for range 60 { // two minutes
			r.issue()
			time.Sleep(2 * time.Second)
		}
		if left := r.Stats().Left; left > 60 {
			t.Errorf("%d numbers are still held for a request every two seconds", left)
		}
		r.stop()
	})
}

func TestWaitersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
			return countertest.Fault{Delay: 100 * time.Millisecond}
		}}
		r := run(t, counter.Config{Store: m})
		time.Sleep(time.Second) // registered
		got := make([]int64, 20)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = r.issue() })
			time.Sleep(time.Millisecond)
		}
		wg.Wait()
		for i, n := range got {
			if n != int64(i)+1 {
				t.Fatalf("waiter %d got %d; all: %v", i, n, got)
			}
		}
		r.stop()
	})
}

func TestACallerWhoLeavesCostsNoNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
			return countertest.Fault{Delay: 100 * time.Millisecond}
		}}
		r := run(t, counter.Config{Store: m})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if _, err := r.Take(ctx, invoices); !errors.Is(err, counter.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want ErrUnavailable for the deadline", err)
		}
		if got := r.issue(); got != 1 {
			t.Fatalf("the next caller got %d, want 1", got)
		}
		r.stop()
	})
}
