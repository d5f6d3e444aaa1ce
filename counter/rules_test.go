package counter_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

func limited(limit int64) func(context.Context, counter.Series) (counter.Rules, error) {
	return rules(counter.Rules{Limit: limit})
}

func rules(r counter.Rules) func(context.Context, counter.Series) (counter.Rules, error) {
	return func(context.Context, counter.Series) (counter.Rules, error) { return r, nil }
}

func TestASeriesGivesEachNumberOfItsRangeOnceAndIsThenExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		// 101 to 1,103: no multiple of any block's size.
		of := rules(counter.Rules{First: 101, Limit: 1103, Bounds: counter.Bounds{Max: 64}})
		replicas := []*replica{run(t, counter.Config{Store: m, Rules: of}), run(t, counter.Config{Store: m, Rules: of})}
		seen := make(map[int64]bool)
		for over := 0; over < len(replicas); {
			over = 0
			for _, r := range replicas {
				n, err := r.Take(t.Context(), invoices)
				if errors.Is(err, counter.ErrExhausted) {
					over++
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				n.Spend()
				if v := n.Value(); v < 101 || v > 1103 || seen[v] {
					t.Fatalf("%d: outside the range, or given twice", v)
				}
				seen[n.Value()] = true
			}
		}
		if len(seen) != 1003 {
			t.Errorf("%d numbers of 1003 were given", len(seen))
		}
		for _, r := range replicas {
			r.stop()
		}
		if l := ledgerOf(t, m); l.First != 101 || l.Mark != 1103 || len(l.Held)+len(l.Free) != 0 {
			t.Errorf("ledger %+v", l)
		}
	})
}

func TestAReturnedNumberEndsExhaustion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m, Rules: limited(1)})
		n := r.take()
		if _, err := r.Take(t.Context(), invoices); !errors.Is(err, counter.ErrExhausted) {
			t.Fatalf("got %v, want ErrExhausted", err)
		}
		n.Return()
		if got := r.issue(); got != 1 {
			t.Fatalf("got %d, want the returned 1", got)
		}
		r.stop()
	})
}

func TestBoundsHoldForAQuietAndForABusySeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m, Rules: rules(counter.Rules{Bounds: counter.Bounds{Min: 5, Max: 20}})})
		if b := r.take().Block(); b.Len() != 5 {
			t.Errorf("the first block is %s, want 5 numbers", b.Range)
		}
		for range 1000 {
			if b := r.take().Block(); b.Len() > 20 {
				t.Fatalf("block %s is longer than 20", b.Range)
			}
		}
		r.stop()
	})
}

func TestRulesThatCannotBeHadAreToldWithinPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		r := run(t, counter.Config{Store: &countertest.Mem{}, Rules: func(context.Context, counter.Series) (counter.Rules, error) {
			return counter.Rules{}, broken
		}})
		if _, err := r.Take(t.Context(), invoices); !errors.Is(err, counter.ErrUnavailable) || !errors.Is(err, broken) {
			t.Fatalf("got %v, want ErrUnavailable with its cause", err)
		}
		r.stop()
	})
}

// There may be very many quiet series, and who knows their rules may be a database.
func TestNobodyIsAskedForTheRulesOfAQuietSeriesThatRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		r := run(t, counter.Config{Store: &countertest.Mem{}, Rules: func(context.Context, counter.Series) (counter.Rules, error) {
			asked.Add(1)
			return counter.Rules{}, nil
		}})
		n, err := r.Take(t.Context(), invoices)
		if err != nil {
			t.Fatal(err)
		}
		n.Spend()
		synctest.Wait()
		before := asked.Load()
		time.Sleep(40 * time.Second) // in virtual time; a shelf is looked at every five
		synctest.Wait()
		if more := asked.Load() - before; before == 0 || more != 0 {
			t.Errorf("asked %d times for a number, and %d times since", before, more)
		}
	})
}
