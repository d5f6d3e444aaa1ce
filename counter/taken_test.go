package counter_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

func (r *replica) takeN(count int) []counter.Number {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	numbers, err := r.TakeN(ctx, invoices, count)
	if err != nil {
		r.t.Fatalf("take %d: %v", count, err)
	}
	return numbers
}

func values(numbers []counter.Number) (values []int64) {
	for _, n := range numbers {
		values = append(values, n.Value())
	}
	return values
}

func TestABatchIsContiguousAndComesFromOneBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		r.issue()
		numbers := r.takeN(1000)
		for i, n := range numbers {
			if n.Value() != int64(i)+2 {
				t.Fatalf("the %d-th number of the batch is %d; all: %v", i+1, n.Value(), values(numbers))
			}
			n.Spend()
		}
		if got := m.Swaps(); got != 2 {
			t.Errorf("%d swaps for a number and a batch, want 2", got)
		}
		r.stop()
		wantLedger(t, m, 1001, 0)
	})
}

func TestABatchIsContiguousAlthoughAnotherBlockHasNumbersLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, counter.Config{Store: &countertest.Mem{}, Rules: rules(counter.Rules{Bounds: counter.Bounds{Min: 10}})})
		r.issue()
		numbers := r.takeN(10) // 2 to 10 are left
		for i, n := range numbers {
			if n.Value() != int64(i)+11 {
				t.Fatalf("want 11 to 20, got %v", values(numbers))
			}
			n.Spend()
		}
		if got := r.issue(); got != 2 {
			t.Errorf("got %d, want 2: what the batch left", got)
		}
		r.stop()
	})
}

func TestABatchThatCannotBeHadWholeTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m, Rules: limited(10)})
		if _, err := r.TakeN(t.Context(), invoices, 11); !errors.Is(err, counter.ErrExhausted) {
			t.Fatalf("got %v, want ErrExhausted", err)
		}
		for want := int64(1); want <= 10; want++ {
			if got := r.issue(); got != want {
				t.Fatalf("got %d, want %d", got, want)
			}
		}
		for _, count := range []int{0, -1, counter.MaxBatch + 1} {
			if _, err := r.TakeN(t.Context(), invoices, count); err == nil {
				t.Errorf("a batch of %d was given", count)
			}
		}
		r.stop()
		wantLedger(t, m, 10, 0)
	})
}

func TestWhoeverReturnedANumberHasNoSayInItAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		n := r.take()
		n.Return()
		n.Spend() // too late
		again := r.take()
		if again.Value() != n.Value() {
			t.Fatalf("got %d, want the returned %d", again.Value(), n.Value())
		}
		n.Spend()
		n.Return()
		n.Doubt()
		if other := r.take(); other.Value() == again.Value() {
			t.Fatalf("%d was given twice", other.Value())
		} else {
			other.Return()
		}
		again.Return()
		third := r.take()
		third.Spend()
		if third.Value() != n.Value() {
			t.Fatalf("got %d, want %d", third.Value(), n.Value())
		}
		r.stop()
		wantLedger(t, m, 2, 0, counter.Range{First: 2, Last: 2})
	})
}

// Many goroutines take, return and spend by every way at once; each number that
// is spent is spent once.
func TestNoNumberIsGivenTwiceHoweverManyTakeIt(t *testing.T) {
	m := &countertest.Mem{}
	r := run(t, counter.Config{Store: m})
	const takers, rounds = 8, 4000
	spent := make([][]int64, takers)
	var work sync.WaitGroup
	for taker := range takers {
		work.Go(func() {
			h := r.Handle(invoices)
			for round := range rounds {
				numbers := takeSomehow(t, r, h, round)
				for i, n := range numbers {
					if (round+i)%7 == 3 {
						n.Return()
						continue
					}
					n.Offer()
					n.Spend()
					spent[taker] = append(spent[taker], n.Value())
				}
			}
		})
	}
	work.Wait()
	seen := make(map[int64]bool)
	for _, some := range spent {
		for _, n := range some {
			if seen[n] {
				t.Fatalf("%d was spent twice", n)
			}
			seen[n] = true
		}
	}
	if got := r.Stats().Spent; got != int64(len(seen)) {
		t.Errorf("%d are said to be spent, want %d", got, len(seen))
	}
	r.stop()
	free := int64(0)
	l := ledgerOf(t, m)
	for _, f := range l.Free {
		free += f.Len()
	}
	if len(l.Held) != 0 || l.Mark != free+int64(len(seen)) {
		t.Fatalf("mark %d, %d spent, %d free, held %v", l.Mark, len(seen), free, l.Held)
	}
}

func takeSomehow(t *testing.T, r *replica, h *counter.Handle, round int) []counter.Number {
	var n counter.Number
	var err error
	switch round % 16 {
	case 5:
		numbers, err := h.TakeN(context.Background(), 3)
		if err != nil {
			t.Error(err)
		}
		return numbers
	case 11:
		n, err = r.Take(context.Background(), invoices)
	default:
		n, err = h.Take(context.Background())
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	return []counter.Number{n}
}

func TestAHandleOutlivesItsHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		h := r.Handle(invoices)
		for range 40 {
			n, err := h.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n.Spend()
		}
		first := r.Holder()
		r.Abandon(first)
		n, err := h.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n.Block().Holder == first {
			t.Fatalf("%d came from the abandoned holder", n.Value())
		}
		n.Spend()
		r.stop()
		if _, err := h.Take(t.Context()); !errors.Is(err, counter.ErrClosed) {
			t.Fatalf("after the stop: %v, want ErrClosed", err)
		}
	})
}

func TestAFastSeriesNeverWaitsAfterItsFirstSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
			if op == "Load" || op == "Swap" {
				return countertest.Fault{Delay: 50 * time.Millisecond, Late: 50 * time.Millisecond} // 200 ms a refill
			}
			return countertest.Fault{}
		}}
		r := run(t, counter.Config{Store: m})
		h := r.Handle(invoices)
		perMillisecond := 20 // 20,000 a second
		waitsAfter := func(d time.Duration) int64 {
			for range int(d / time.Millisecond) {
				for range perMillisecond {
					n, err := h.Take(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					n.Spend()
				}
				time.Sleep(time.Millisecond)
			}
			return r.Stats().Waits
		}
		begun := waitsAfter(4 * time.Second)
		if begun == 0 {
			t.Error("nobody waited at first: the test shows nothing")
		}
		if after := waitsAfter(30 * time.Second); after != begun {
			t.Errorf("%d takes waited after the first seconds", after-begun)
		}
		perMillisecond = 50
		waitsAfter(20 * time.Second)
		swaps := m.Swaps()
		waitsAfter(50 * time.Second)
		if got := m.Swaps() - swaps; got > 10 {
			t.Errorf("%d swaps in 50 s at 50,000 a second, want at most 10", got)
		}
		r.stop()
	})
}
