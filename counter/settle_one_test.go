package counter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"folio/counter"
	"folio/counter/countertest"
)

// noIndex is a store whose index names nobody, as after a person put a ledger back by
// hand.
type noIndex struct{ *countertest.Mem }

func (noIndex) Holding(context.Context) ([]string, error) { return nil, nil }

func (noIndex) HeldBy(context.Context, string) ([]counter.Series, error) { return nil, nil }

func TestABlockThatNoScanFindsIsSettledWhenAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		a := run(t, counter.Config{Store: noIndex{m}, Owner: rows, Pod: "a"})
		if err := store(rows, a.take()); err != nil {
			t.Fatal(err)
		}
		a.take()
		dead := a.Holder()
		b := run(t, counter.Config{Store: noIndex{m}, Owner: rows, Pod: "b"})
		if err := b.Settle(t.Context(), invoices, dead); !errors.Is(err, counter.ErrAlive) {
			t.Errorf("a holder that is registered was settled: %v", err)
		}
		m.Expire(dead)
		for range 2 { // the second finds nothing to do
			if err := b.Settle(t.Context(), invoices, dead); err != nil {
				t.Error(err)
			}
		}
		if left := ledgerOf(t, m).HeldBy(dead); len(left) > 0 {
			t.Errorf("left of the dead: %v", left)
		}
		if got := b.take(); got.Value() != 2 {
			t.Errorf("got %d, want 2: what the dead had left is used next", got.Value())
		} else if err := store(rows, got); err != nil {
			t.Error(err)
		}
		a.stop()
		b.stop()
	})
}
