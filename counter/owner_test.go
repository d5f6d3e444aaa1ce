package counter_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// store writes n as a row, as an application does.
func store(rows *countertest.Rows, n counter.Number) error {
	n.Offer()
	err := rows.Write(n.Block(), n.Series(), n.Value(), "invoice")
	if err == nil {
		n.Spend()
	}
	return err
}

func TestADeadHoldersRestIsUsedNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		a := run(t, counter.Config{Store: m, Owner: rows, Pod: "a"})
		for range 30 {
			if err := store(rows, a.take()); err != nil {
				t.Fatal(err)
			}
		}
		zombie := a.take()
		b := run(t, counter.Config{Store: m, Owner: rows, Pod: "b"})
		time.Sleep(time.Second)
		m.Expire(a.Holder())
		time.Sleep(10 * time.Second)
		if got := b.take(); got.Value() != 31 {
			t.Fatalf("got %d, want 31: freed numbers are used next", got.Value())
		} else if err := store(rows, got); err != nil {
			t.Fatal(err)
		}
		if err := store(rows, zombie); !errors.Is(err, countertest.ErrFenced) {
			t.Fatalf("the dead holder wrote: %v", err)
		}
		a.stop()
		b.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Fatalf("unaccounted: %v", odd)
		}
	})
}

func TestAStopWithNumbersInDoubtFencesItselfAndSettles(t *testing.T) {
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
		stored.Doubt() // it is there, but nobody knows
		lost.Doubt()   // it is not
		refused.Return()
		r.stop()
		wantLedger(t, m, 3, 0, counter.Range{First: 2, Last: 3})
		if err := rows.Write(lost.Block(), invoices, lost.Value(), "late"); !errors.Is(err, countertest.ErrFenced) {
			t.Fatalf("a write after the stop: %v, want ErrFenced", err)
		}
	})
}

func TestAStopWithNothingOfferedNeedsNoFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		n := r.take()
		n.Return()
		b := n.Block()
		r.stop()
		wantLedger(t, m, 1, 0, counter.Range{First: 1, Last: 1})
		if err := rows.Write(b, invoices, 1, "proof"); err != nil {
			t.Fatalf("the holder was fenced: %v", err)
		}
	})
}

func TestAMissingLedgerDoesNotStartFromOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		for range 5 {
			if err := store(rows, r.take()); err != nil {
				t.Fatal(err)
			}
		}
		skipped := r.take() // 6 is never stored
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		m.Put(invoices, "") // etcdctl del
		got := r.take()
		if got.Value() != 8 {
			t.Fatalf("got %d, want 8", got.Value())
		}
		got.Return()
		if err := store(rows, skipped); !errors.Is(err, countertest.ErrTaken) {
			t.Fatalf("6 was stored after it was void: %v", err)
		}
		skipped.Spend()
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Fatalf("unaccounted: %v", odd)
		}
	})
}

func TestALedgerThatWentBackIsRaisedWhenItsSeriesIsFirstUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		old := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, old.take()); err != nil {
			t.Fatal(err)
		}
		old.stop()
		snapshot := m.Text(invoices)
		later := run(t, counter.Config{Store: m, Owner: rows})
		for range 5 {
			if err := store(rows, later.take()); err != nil {
				t.Fatal(err)
			}
		}
		later.stop()
		m.Put(invoices, snapshot)
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Fatalf("a number was given twice: %v", err)
		}
		r.stop()
		if rows.Row(invoices, 7) == "" {
			t.Fatal("the number after the floor was not the next")
		}
	})
}

func TestTheOraclesObject(t *testing.T) {
	rows := &countertest.Rows{}
	if _, err := rows.Enroll(t.Context(), "a.1"); err != nil {
		t.Fatal(err)
	}
	b := counter.Block{Serial: 1, Holder: "a.1", Range: counter.Range{First: 1, Last: 1}}
	l := counter.Ledger{Mark: 3, Serial: 1, Held: []counter.Block{b}}
	if odd := countertest.Unaccounted(l, rows, invoices); len(odd) != 2 {
		t.Errorf("two numbers are missing, found %v", odd)
	}
	if err := rows.Write(b, invoices, 4, "above the mark"); err != nil {
		t.Fatal(err)
	}
	if odd := countertest.Unaccounted(l, rows, invoices); len(odd) != 3 {
		t.Errorf("a row above the mark was not found: %v", odd)
	}
}
