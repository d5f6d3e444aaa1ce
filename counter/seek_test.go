package counter_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

func (r *replica) seek(mark int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return r.Seek(ctx, invoices, mark, "")
}

// plantable returns a store whose faults can be changed while it is in use.
func plantable() (*countertest.Mem, *countertest.Rows, func(func(op string) countertest.Fault)) {
	var now atomic.Pointer[func(string) countertest.Fault]
	m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
		if f := now.Load(); f != nil {
			return (*f)(op)
		}
		return countertest.Fault{}
	}}
	return m, &countertest.Rows{}, func(f func(string) countertest.Fault) { now.Store(&f) }
}

// wantSought checks what an acknowledged seek promises.
func wantSought(t *testing.T, m *countertest.Mem, rows *countertest.Rows, mark int64) {
	t.Helper()
	l := ledgerOf(t, m)
	if l.Mark < mark {
		t.Errorf("the mark is %d, want at least %d", l.Mark, mark)
	}
	for _, b := range l.Held {
		if b.First <= mark {
			t.Errorf("block %s is still held", b.Range)
		}
	}
	for _, f := range l.Free {
		if f.First <= mark {
			t.Errorf("%s is still free", f.Range)
		}
	}
	if odd := countertest.Unaccounted(l, rows, invoices); odd != nil {
		t.Errorf("unaccounted: %v", odd)
	}
}

func TestAfterASeekEveryReplicaGoesOnAboveTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		replicas := []*replica{run(t, counter.Config{Store: m, Owner: rows}), run(t, counter.Config{Store: m, Owner: rows})}
		for _, r := range replicas {
			for range 40 { // both hold the rest of a block
				if err := store(rows, r.take()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := replicas[0].seek(1000); err != nil {
			t.Fatal(err)
		}
		wantSought(t, m, rows, 1000)
		for _, r := range replicas {
			n := r.take()
			if n.Value() <= 1000 {
				t.Errorf("%d was given after the seek", n.Value())
			}
			if err := store(rows, n); err != nil {
				t.Error(err)
			}
		}
		if got := rows.Row(invoices, 1000); got != "void: seek" {
			t.Errorf("1000 is %q, want void", got)
		}
		if err := replicas[1].seek(500); err != nil {
			t.Errorf("a seek below the mark: %v", err)
		}
		for _, r := range replicas {
			r.stop()
		}
	})
}

func TestASeekOfASeriesNeverUsedBeginsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := r.seek(99); err != nil {
			t.Fatal(err)
		}
		wantSought(t, m, rows, 99)
		if got := r.issue(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
		r.stop()
	})
}

func TestASeekWaitsForNumbersThatAreTakenAndNamesWhoHasThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		slow := run(t, counter.Config{Store: m, Owner: rows, Pod: "slow"})
		r := run(t, counter.Config{Store: m, Owner: rows, Pod: "other"})
		n := slow.take()
		n.Offer()
		err := r.seek(50)
		if !errors.Is(err, counter.ErrUnavailable) || !strings.Contains(err.Error(), slow.Holder()) {
			t.Fatalf("got %v; want ErrUnavailable that names %s", err, slow.Holder())
		}
		if err := store(rows, n); err != nil { // its invoice is stored at last
			t.Fatal(err)
		}
		if err := r.seek(50); err != nil {
			t.Fatalf("the same seek again: %v", err)
		}
		wantSought(t, m, rows, 50)
		if got := rows.Row(invoices, n.Value()); got != "invoice" {
			t.Errorf("%d is %q, want the invoice", n.Value(), got)
		}
	})
}

// A seek that failed is not acknowledged: what it did not reach is given as before.
func TestAfterASeekThatFailedTheNumbersThatAreLeftAreGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows, Rules: limited(50)})
		n := r.take()
		if err := r.seek(50); !errors.Is(err, counter.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable: %d is out", err, n.Value())
		}
		n.Return()
		time.Sleep(10 * time.Second) // it is handed back, as the seek asked
		again, err := r.Take(t.Context(), invoices)
		if err != nil {
			t.Fatalf("%v, although %d is free", err, n.Value())
		}
		if err := store(rows, again); err != nil {
			t.Fatal(err)
		}
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Errorf("unaccounted: %v", odd)
		}
	})
}

func TestNumbersInDoubtOrRefusedDoNotHoldASeekUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		stored, lost, refused := r.take(), r.take(), r.take()
		for _, n := range []counter.Number{stored, lost, refused} {
			n.Offer()
		}
		if err := rows.Write(stored.Block(), invoices, stored.Value(), "invoice"); err != nil {
			t.Fatal(err)
		}
		stored.Doubt()
		lost.Doubt()
		refused.Return()
		if err := r.seek(20); err != nil {
			t.Fatal(err)
		}
		wantSought(t, m, rows, 20)
		for n, want := range map[int64]string{stored.Value(): "invoice", lost.Value(): "void: seek", refused.Value(): "void: seek"} {
			if got := rows.Row(invoices, n); got != want {
				t.Errorf("%d is %q, want %q", n, got, want)
			}
		}
	})
}

func TestASeekSettlesTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		plant(func(op string) countertest.Fault { return countertest.Fault{Drop: op == "Watch"} }) // nobody is told
		const dead = "dead.1"
		reg, err := m.Register(t.Context(), counter.Holder{Name: dead})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rows.Enroll(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		reserveAs(t, m, dead, invoices, 5)
		b := ledgerOf(t, m).Held[0]
		if err := rows.Write(b, invoices, 2, "invoice"); err != nil {
			t.Fatal(err)
		}
		if err := reg.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := run(t, counter.Config{Store: m, Owner: rows, Pod: "r"})
		begun := time.Now()
		if err := r.seek(10); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took >= 5*time.Second || r.Stats().Settled != 1 {
			t.Errorf("%d blocks settled after %s: the seek left it to the scan", r.Stats().Settled, took)
		}
		wantSought(t, m, rows, 10)
		if got := rows.Row(invoices, 2); got != "invoice" {
			t.Errorf("2 is %q, want the invoice of the dead holder", got)
		}
		if err := rows.Write(b, invoices, 3, "late"); !errors.Is(err, countertest.ErrFenced) {
			t.Errorf("the dead holder wrote: %v", err)
		}
	})
}

func TestABlockThatIsReservedDuringASeekIsHandedBackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		r := run(t, counter.Config{Store: m, Owner: rows})
		other := run(t, counter.Config{Store: m, Owner: rows})
		time.Sleep(time.Second)
		plant(func(string) countertest.Fault {
			return countertest.Fault{Late: 50 * time.Millisecond} // the reply is slow: the call-in comes first
		})
		taken := make(chan counter.Number)
		go func() { taken <- other.take() }()
		time.Sleep(70 * time.Millisecond) // its swap is applied, and not yet answered
		done := make(chan error)
		go func() { done <- r.seek(100) }()
		n := <-taken
		if err := store(rows, n); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantSought(t, m, rows, 100)
	})
}

func TestASeekHasItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		if err := r.seek(counter.MaxSeek + 1); !errors.Is(err, counter.ErrTooFar) {
			t.Errorf("got %v, want ErrTooFar", err)
		}
		if err := r.seek(counter.MaxSeek); err != nil {
			t.Error(err)
		}
		if got := r.issue(); got != counter.MaxSeek+1 {
			t.Errorf("got %d", got)
		}
		if got := r.Stats().Forfeited; got != counter.MaxSeek {
			t.Errorf("%d numbers are said to be forfeited, want %d: there is no owner to void them", got, counter.MaxSeek)
		}
		m.Put(invoices, "junk")
		if err := r.seek(counter.MaxSeek + 10); !errors.Is(err, counter.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
		r.stop()
		if err := r.seek(1); !errors.Is(err, counter.ErrClosed) {
			t.Errorf("after the stop: %v, want ErrClosed", err)
		}
	})
}

func TestASeekWhoseRepliesAreLostIsSafeToRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		plant(func(op string) countertest.Fault {
			return countertest.Fault{Mute: op == "Swap"} // applied, and never answered
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Seek(ctx, invoices, 30, ""); !errors.Is(err, counter.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		if err := r.seek(30); err != nil {
			t.Fatal(err)
		}
		wantSought(t, m, rows, 30)
		r.stop()
	})
}

func TestAVoidOfAFencedHolderStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		slow := run(t, counter.Config{Store: m, Owner: rows, Pod: "slow"})
		n := slow.take()
		if err := rows.Void(t.Context(), slow.Holder(), invoices, []counter.Range{{First: 5, Last: 5}}, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := rows.Settle(t.Context(), invoices, n.Block()); err != nil { // it is taken for dead
			t.Fatal(err)
		}
		first := slow.Holder()
		if err := slow.seek(20); !errors.Is(err, counter.ErrUnavailable) || !errors.Is(err, counter.ErrLost) {
			t.Fatalf("got %v; want ErrUnavailable, for the holder is lost", err)
		}
		if got := rows.Row(invoices, 20); got != "" {
			t.Fatalf("20 is %q: a fenced holder wrote it", got)
		}
		if err := slow.seek(20); err != nil { // in its next life
			t.Fatal(err)
		}
		if slow.Holder() == first {
			t.Error("the fenced holder lives on")
		}
		wantSought(t, m, rows, 20)
	})
}

// The numbers of a seek that was cut short may have their voids already: at the
// end of the life the rows say which are free.
func TestAStopInTheMiddleOfASeekFreesNoNumberThatIsVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		var swaps atomic.Int64 // calls of others come at the same time
		plant(func(op string) countertest.Fault {
			if op == "Swap" {
				swaps.Add(1)
			}
			return countertest.Fault{Drop: swaps.Load() > 1} // set aside and void, but never released
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Seek(ctx, invoices, 10, ""); !errors.Is(err, counter.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		r.stop()
		wantLedger(t, m, 10, 0)
	})
}

func TestWhatASeekSkipsIsVoidForTheReasonGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		if got := r.issue(); got != 1 {
			t.Fatalf("got %d, want 1", got)
		}
		if err := r.Seek(t.Context(), invoices, 20, "a new numbering begins"); err != nil {
			t.Fatal(err)
		}
		for n := int64(2); n <= 20; n++ {
			if got := rows.Row(invoices, n); got != "void: a new numbering begins" {
				t.Errorf("%d is %q, want void for the reason given", n, got)
			}
		}
		if err := r.seek(30); err != nil {
			t.Fatal(err)
		}
		if got := rows.Row(invoices, 30); got != "void: seek" {
			t.Errorf("30 is %q, want void: seek", got)
		}
		r.stop()
	})
}

func TestASeekBelowTheFirstNumberOfASeriesNeverUsedBeginsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		rules := func(context.Context, counter.Series) (counter.Rules, error) { return counter.Rules{First: 100}, nil }
		r := run(t, counter.Config{Store: m, Owner: rows, Rules: rules})
		if err := r.seek(50); err != nil {
			t.Fatal(err)
		}
		if got := rows.Row(invoices, 50); got != "" {
			t.Errorf("50 is %q; the series does not have that number", got)
		}
		if got := r.issue(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
		r.stop()
	})
}
