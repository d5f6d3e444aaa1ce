package counter_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"folio/counter"
)

// books is an oracle: it keeps, number by number, what a ledger keeps as ranges,
// in the plainest way, and knows nothing of the ledger's code.
type books struct {
	state map[int64]string // "held by 3", "free", "finished"
	mark  int64
	first int64 // accounting begins here; 0: at 1
}

func (o *books) fill(r counter.Range, state string) {
	for n := r.First; n <= r.Last; n++ {
		o.state[n] = state
	}
}

// compare re-derives the partition of first..mark from l and holds it against the
// oracle's.
func (o *books) compare(l counter.Ledger) error {
	if err := l.Check(); err != nil {
		return err
	}
	if l.Mark != o.mark {
		return fmt.Errorf("mark %d, want %d", l.Mark, o.mark)
	}
	for n := max(o.first, 1); n <= o.mark; n++ {
		if got := stateIn(l, n); got != o.state[n] {
			return fmt.Errorf("number %d is %s, want %s", n, got, o.state[n])
		}
	}
	return nil
}

func stateIn(l counter.Ledger, n int64) string {
	state := "finished"
	for _, b := range l.Held {
		if b.Contains(n) {
			state = fmt.Sprintf("held by %d", b.Serial)
		}
	}
	for _, f := range l.Free {
		if f.Contains(n) {
			state = "free"
		}
	}
	return state
}

// begin makes a ledger of which the numbers below first are nobody's.
func begin(t *rapid.T, first int64) (l counter.Ledger, mark int64) {
	l, err := l.Begin(first)
	if err != nil {
		t.Fatal(err)
	}
	if l.Range().First != first {
		t.Fatalf("accounting begins at %d, want %d", l.Range().First, first)
	}
	return l, first - 1
}

func TestEveryNumberIsHeldFreeOrFinishedAfterEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l counter.Ledger
		oracle := &books{state: map[int64]string{}}
		limit := rapid.Int64Range(0, 300).Draw(t, "limit")
		if limit == 0 || limit > 30 {
			l, oracle.mark = begin(t, rapid.Int64Range(1, 20).Draw(t, "first"))
		}
		oracle.first = oracle.mark + 1
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				w := counter.Want{Holder: rapid.SampledFrom([]string{"a.1", "b.1"}).Draw(t, "holder"), Count: rapid.Int64Range(1, 40).Draw(t, "count"), Limit: limit}
				next, b, err := l.Reserve(w)
				if err != nil {
					if !errors.Is(err, counter.ErrExhausted) || oracle.mark < max(limit, 1) && limit > 0 {
						t.Fatalf("reserve: %v", err)
					}
					return
				}
				for n := b.First; n <= b.Last; n++ {
					if s := oracle.state[n]; s != "" && s != "free" {
						t.Fatalf("reserved %d, which is %s", n, s)
					}
				}
				if b.Len() < 1 || b.Len() > w.Count {
					t.Fatalf("wanted %d, got %s", w.Count, b.Range)
				}
				oracle.mark = max(oracle.mark, b.Last)
				oracle.fill(b.Range, fmt.Sprintf("held by %d", b.Serial))
				l = next
			},
			"release": func(t *rapid.T) { l = conclude(t, l, oracle, counter.Ledger.Release) },
			"settle":  func(t *rapid.T) { l = conclude(t, l, oracle, counter.Ledger.Settle) },
			"seek": func(t *rapid.T) {
				to := oracle.mark + rapid.Int64Range(-5, 5).Draw(t, "by")
				next, err := l.SeekTo(to)
				if err != nil {
					t.Fatal(err)
				}
				for n := oracle.mark + 1; n <= to; n++ {
					oracle.state[n] = "finished"
				}
				oracle.mark = max(oracle.mark, to)
				l = next
			},
			"drop what is late": func(t *rapid.T) {
				next, late := l.DropLate(noon.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "late"))))
				for _, r := range late {
					oracle.fill(r, "finished")
				}
				l = next
			},
			"": func(t *rapid.T) {
				if err := oracle.compare(l); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// ending is Ledger.Release or Ledger.Settle.
type ending func(counter.Ledger, counter.Block, []counter.Range, time.Time) (counter.Ledger, error)

// conclude ends a block of l with random numbers free, by Release or Settle, and
// tells the oracle what of it had to happen.
func conclude(t *rapid.T, l counter.Ledger, oracle *books, end ending) counter.Ledger {
	if len(l.Held) == 0 {
		t.Skip("nothing is held")
	}
	b := rapid.SampledFrom(l.Held).Draw(t, "block")
	var free []counter.Range
	for n := b.First; n <= b.Last; n++ {
		switch k := len(free); {
		case !rapid.Bool().Draw(t, "free"):
		case k > 0 && free[k-1].Last == n-1:
			free[k-1].Last = n
		default:
			free = append(free, counter.Range{First: n, Last: n})
		}
	}
	next, err := end(l, b, free, noon)
	if err != nil {
		if !errors.Is(err, counter.ErrNoRoom) {
			t.Fatal(err)
		}
		return l
	}
	stays := b.Last + 1 // what begins here had no room
	for _, rest := range next.Held {
		if rest.Serial == b.Serial {
			stays = rest.First
		}
	}
	oracle.fill(counter.Range{First: b.First, Last: stays - 1}, "finished")
	for _, r := range free {
		oracle.fill(counter.Range{First: r.First, Last: min(r.Last, stays-1)}, "free")
	}
	return next
}
