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

// firstSwap gives the first swap a fault, and nothing else.
func firstSwap(f countertest.Fault) func(string, counter.Series) countertest.Fault {
	var planted atomic.Bool
	return func(op string, _ counter.Series) countertest.Fault {
		if op == "Swap" && planted.CompareAndSwap(false, true) {
			return f
		}
		return countertest.Fault{}
	}
}

func TestADamagedLedgerIsLeftAloneAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		m.Put(invoices, "abc")
		r := run(t, counter.Config{Store: m})
		if _, err := r.Take(context.Background(), invoices); !errors.Is(err, counter.ErrDamaged) {
			t.Fatalf("got %v, want ErrDamaged", err)
		}
		other := invoices
		other.Tenant = "bolt"
		n, err := r.Take(context.Background(), other)
		if err != nil {
			t.Fatal(err)
		}
		n.Return()
		r.stop()
		if got := m.Text(invoices); got != "abc" {
			t.Fatalf("the damaged ledger became %s", got)
		}
	})
}

func TestABlockWhoseReplyWasLostIsRecognisedAndUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{Faults: firstSwap(countertest.Fault{Mute: true})}
		r := run(t, counter.Config{Store: m})
		if got := r.issue(); got != 1 {
			t.Fatalf("got %d, want 1: the block of the lost reply", got)
		}
		if r.Stats().Unknown != 1 {
			t.Fatalf("no unknown outcome was seen: the test tests nothing")
		}
		r.stop()
		wantLedger(t, m, 1, 0)
	})
}

func TestASwapThatStraysAndLandsLaterIsRecognised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{Faults: firstSwap(countertest.Fault{Stray: time.Second})}
		r := run(t, counter.Config{Store: m})
		if got := r.issue(); got != 1 {
			t.Fatalf("got %d, want 1", got)
		}
		time.Sleep(2 * time.Second)
		if got := r.issue(); got != 2 {
			t.Fatalf("got %d, want 2", got)
		}
		r.stop()
		wantLedger(t, m, 2, 0)
	})
}

func TestWithoutAnOwnerWhatADeadHolderHadIsForfeited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		a := run(t, counter.Config{Store: m, Pod: "a"})
		for range 20 {
			a.issue()
		}
		zombie := a.take()
		before := ledgerOf(t, m)
		b := run(t, counter.Config{Store: m, Pod: "b"})
		time.Sleep(time.Second)
		m.Expire(a.Holder())
		time.Sleep(10 * time.Second)
		l := ledgerOf(t, m)
		if len(l.HeldBy(before.Held[0].Holder)) != 0 || len(l.Free) != 0 {
			t.Fatalf("ledger %+v; want the blocks gone and nothing free", l)
		}
		if got := b.issue(); got != before.Mark+1 {
			t.Fatalf("got %d, want %d", got, before.Mark+1)
		}
		zombie.Spend()
		a.stop()
		b.stop()
	})
}

func TestALostHolderBeginsAnewUnderAnotherName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m, Pod: "Pod_1"})
		r.issue()
		first := r.Holder()
		m.Expire(first)
		if got := r.issue(); got != 2 {
			t.Fatalf("got %d, want 2", got)
		}
		if second := r.Holder(); second == first || !strings.HasPrefix(second, "pod-1.") {
			t.Fatalf("holders %q, then %q", first, second)
		}
		r.stop()
		wantLedger(t, m, 2, 1) // the first holder's block: nobody was there to settle it
	})
}

func TestAnAbandonedHolderIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		n := r.take()
		r.Abandon("somebody.else")
		if r.Holder() != n.Block().Holder {
			t.Fatal("another's fence ended this life")
		}
		r.Abandon(n.Block().Holder)
		if again := r.take(); again.Block().Holder == n.Block().Holder || again.Value() == n.Value() {
			t.Fatalf("got %d of %s after its holder was fenced", again.Value(), again.Block().Holder)
		}
		r.stop()
	})
}

func TestTheLatestHolderIsKnownBetweenTwoLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		m := &countertest.Mem{Faults: func(string, counter.Series) countertest.Fault { return countertest.Fault{Drop: away.Load()} }}
		var none counter.Allocator
		if got := none.Latest(); got != "" {
			t.Errorf("before the first life: %q", got)
		}
		r := run(t, counter.Config{Store: m})
		r.take()
		first := r.Holder()
		away.Store(true)
		r.Abandon(first)
		time.Sleep(time.Minute)
		if got := r.Latest(); got != first || r.Holder() != "" {
			t.Errorf("between two lives: %q, holder %q; want %q and none", got, r.Holder(), first)
		}
		away.Store(false)
		r.take()
		if got := r.Latest(); got == first || got != r.Holder() {
			t.Errorf("in the next life: %q, holder %q", got, r.Holder())
		}
		r.stop()
	})
}

func TestNumbersGoOnFromTheShelfWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		m := &countertest.Mem{Faults: func(string, counter.Series) countertest.Fault { return countertest.Fault{Drop: away.Load()} }}
		r := run(t, counter.Config{Store: m})
		for range 40 {
			r.issue()
		}
		left := r.Stats().Left
		if left < 5 {
			t.Fatalf("only %d left: the test tests nothing", left)
		}
		away.Store(true)
		for range left {
			r.issue()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if _, err := r.Take(ctx, invoices); !errors.Is(err, counter.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		away.Store(false)
		if got := r.issue(); got != 40+left+1 {
			t.Fatalf("got %d, want %d", got, 40+left+1)
		}
		r.stop()
	})
}
