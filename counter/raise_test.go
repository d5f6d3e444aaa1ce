package counter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"folio/counter"
	"folio/counter/countertest"
)

// written returns rows of numbers that a replica stored, and of which the ledger
// was then put back to text.
func written(t *testing.T, m *countertest.Mem, rows *countertest.Rows, count int) {
	t.Helper()
	r := run(t, counter.Config{Store: m, Owner: rows})
	for range count {
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
}

func TestALedgerThatNobodyUsesIsRaisedOverAllRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		written(t, m, rows, 2)
		older := m.Text(invoices)
		written(t, m, rows, 4)
		for _, text := range []string{older, ""} {
			m.Put(invoices, text)
			tool := run(t, counter.Config{Store: m, Owner: rows, Pod: "rebuild"})
			done, err := tool.Raise(t.Context(), invoices)
			if want := (counter.Raised{From: ledgerMark(t, text), To: 6}); err != nil || done != want {
				t.Fatalf("%+v, %v; want %+v", done, err, want)
			}
			swaps := m.Swaps()
			if again, err := tool.Raise(t.Context(), invoices); err != nil || again != (counter.Raised{From: 6, To: 6}) || m.Swaps() != swaps {
				t.Errorf("again: %+v, %v, %d swaps; want nothing to do", again, err, m.Swaps()-swaps)
			}
			tool.stop()
			wantLedger(t, m, 6, 0)
			if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
				t.Fatalf("unaccounted: %v", odd)
			}
		}
	})
}

func ledgerMark(t *testing.T, text string) int64 {
	t.Helper()
	if text == "" {
		return 0
	}
	m := &countertest.Mem{}
	m.Put(invoices, text)
	return ledgerOf(t, m).Mark
}

func TestWhatARaiseSkipsWithoutARowIsVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		r := run(t, counter.Config{Store: m, Owner: rows})
		lost := r.take()
		if err := store(rows, r.take()); err != nil {
			t.Fatal(err)
		}
		m.Put(invoices, "")
		tool := run(t, counter.Config{Store: m, Owner: rows, Pod: "rebuild"})
		if done, err := tool.Raise(t.Context(), invoices); err != nil || done != (counter.Raised{From: 0, To: 2}) {
			t.Fatalf("%+v, %v", done, err)
		}
		if err := store(rows, lost); !errors.Is(err, countertest.ErrTaken) {
			t.Errorf("1 was stored after it was void: %v", err)
		}
		lost.Spend()
	})
}

func TestARaiseOfASeriesThatRefusesAndOfADamagedLedgerChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		written(t, m, rows, 3)
		refusal := errors.New("it is strict")
		refuses := true
		tool := run(t, counter.Config{Store: m, Owner: rows, Rules: func(context.Context, counter.Series) (counter.Rules, error) {
			if refuses {
				return counter.Rules{Refuse: refusal}, nil
			}
			return counter.Rules{}, nil
		}})
		m.Put(invoices, "")
		if _, err := tool.Raise(t.Context(), invoices); !errors.Is(err, refusal) || m.Text(invoices) != "" {
			t.Errorf("%v; the ledger is %q", err, m.Text(invoices))
		}
		refuses = false
		m.Put(invoices, "nobody's")
		if _, err := tool.Raise(t.Context(), invoices); !errors.Is(err, counter.ErrDamaged) || m.Text(invoices) != "nobody's" {
			t.Errorf("%v; the ledger is %q", err, m.Text(invoices))
		}
	})
}
