package counter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"folio/counter"
	"folio/counter/countertest"
)

func freedAt(first, last int64, at time.Time) counter.FreeRange {
	return counter.FreeRange{Range: counter.Range{First: first, Last: last}, At: at}
}

func TestOnlyWhatWasFreedBeforeTheMomentIsDropped(t *testing.T) {
	hour := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	l := counter.Ledger{Mark: 40, Serial: 3, Free: []counter.FreeRange{
		freedAt(1, 5, hour(3)), freedAt(10, 10, hour(1)), freedAt(20, 24, hour(2)), freedAt(30, 31, hour(4)),
	}}
	for _, c := range []struct {
		before time.Time
		late   []counter.Range
		left   []counter.FreeRange
	}{
		{hour(1), nil, l.Free}, // freed at that very moment: not before it
		{hour(2), []counter.Range{{First: 10, Last: 10}}, []counter.FreeRange{l.Free[0], l.Free[2], l.Free[3]}},
		{hour(3), []counter.Range{{First: 10, Last: 10}, {First: 20, Last: 24}}, []counter.FreeRange{l.Free[0], l.Free[3]}},
		{hour(9), []counter.Range{{First: 1, Last: 5}, {First: 10, Last: 10}, {First: 20, Last: 24}, {First: 30, Last: 31}}, nil},
	} {
		next, late := l.DropLate(c.before)
		if !slices.Equal(late, c.late) || !slices.Equal(next.Free, c.left) || next.Mark != l.Mark || next.Serial != l.Serial {
			t.Errorf("before %s: late %v, left %v; want %v, %v", c.before, late, next.Free, c.late, c.left)
		}
		if len(l.Free) != 4 || l.Free[1] != freedAt(10, 10, hour(1)) {
			t.Fatalf("the old ledger was changed: %v", l.Free)
		}
	}
}

// What was freed is followed number by number, by an oracle that knows when each
// was. A range is as old as the oldest that was ever joined to it, so some of what
// is dropped may be younger; none of what is left is older.
func TestWhatIsLeftAfterADropIsYoungAndWhatWasDroppedWasFree(t *testing.T) {
	drops := 0
	rapid.Check(t, func(t *rapid.T) {
		var l counter.Ledger
		now, freed := noon, make(map[int64]time.Time)
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				next, b, err := l.Reserve(counter.Want{Holder: "a.1", Count: rapid.Int64Range(1, 9).Draw(t, "count")})
				if err != nil {
					t.Fatal(err)
				}
				for n := b.First; n <= b.Last; n++ {
					delete(freed, n)
				}
				l = next
			},
			"release": func(t *rapid.T) {
				if len(l.Held) == 0 {
					t.Skip("nothing is held")
				}
				b := rapid.SampledFrom(l.Held).Draw(t, "block")
				from := rapid.Int64Range(b.First, b.Last).Draw(t, "from")
				next, err := l.Release(b, []counter.Range{{First: from, Last: b.Last}}, now)
				if err != nil {
					t.Skip("no room")
				}
				for n := from; n <= b.Last; n++ {
					freed[n] = now
				}
				l = next
			},
			"wait": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour) },
			"drop": func(t *rapid.T) {
				before := now.Add(-time.Duration(rapid.IntRange(0, 9).Draw(t, "within")) * time.Hour)
				next, late := l.DropLate(before)
				for _, r := range late {
					for n := r.First; n <= r.Last; n++ {
						if _, free := freed[n]; !free {
							t.Fatalf("%d was dropped and was not free", n)
						}
						delete(freed, n)
						drops++
					}
					if !slices.ContainsFunc(l.Free, func(f counter.FreeRange) bool { return f.Range == r && f.At.Before(before) }) {
						t.Fatalf("%s was dropped, and no range of that age was free: %v", r, l.Free)
					}
				}
				for n, at := range freed {
					if at.Before(before) || stateIn(next, n) != "free" {
						t.Fatalf("%d, freed at %s, is %s after a drop of what was freed before %s", n, at, stateIn(next, n), before)
					}
				}
				l = next
			},
			"": func(t *rapid.T) {
				if err := l.Check(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
	if drops == 0 {
		t.Error("nothing was ever dropped: the test shows nothing")
	}
}

// withinADay are the rules of a series whose freed numbers may be given for a day.
func withinADay() func(context.Context, counter.Series) (counter.Rules, error) {
	return rules(counter.Rules{ReuseWithin: 24 * time.Hour})
}

// freeOne has a replica store 1 and 3 and hand back 2.
func freeOne(t *testing.T, m *countertest.Mem, owner counter.Owner, rows *countertest.Rows) {
	t.Helper()
	r := run(t, counter.Config{Store: m, Owner: owner})
	first, second, third := r.take(), r.take(), r.take()
	for _, n := range []counter.Number{first, third} {
		if err := store(rows, n); err != nil {
			t.Fatal(err)
		}
	}
	second.Return()
	r.stop()
	wantLedger(t, m, 3, 0, counter.Range{First: 2, Last: 2})
}

func TestANumberFreedTooLongAgoIsVoidAndNotGivenAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		wait   time.Duration
		given  int64
		reason string
	}{
		{"within", 24*time.Hour - time.Minute, 2, "invoice"},
		{"later", 24*time.Hour + time.Minute, 4, "void: released_late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rows := &countertest.Mem{}, &countertest.Rows{}
				freeOne(t, m, rows, rows)
				time.Sleep(c.wait)
				r := run(t, counter.Config{Store: m, Owner: rows, Rules: withinADay()})
				n := r.take()
				if err := store(rows, n); n.Value() != c.given || err != nil {
					t.Errorf("got %d, %v; want %d", n.Value(), err, c.given)
				}
				if got := rows.Row(invoices, 2); got != c.reason {
					t.Errorf("2 is %q, want %q", got, c.reason)
				}
				r.stop()
				if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
					t.Errorf("unaccounted: %v", odd)
				}
			})
		})
	}
}

func TestWithoutAnOwnerFreedNumbersAreGivenForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		r.take().Return()
		r.stop()
		time.Sleep(25 * time.Hour)
		r = run(t, counter.Config{Store: m, Rules: withinADay()})
		if got := r.issue(); got != 1 {
			t.Errorf("got %d, want the freed 1: nobody could record that it is void", got)
		}
		r.stop()
	})
}

// hooked does something before, or instead of, the first Void.
type hooked struct {
	*countertest.Rows
	once   sync.Once
	before func() error
}

func (h *hooked) Void(ctx context.Context, holder string, s counter.Series, ranges []counter.Range, reason string) (err error) {
	h.once.Do(func() { err = h.before() })
	if err != nil {
		return err
	}
	return h.Rows.Void(ctx, holder, s, ranges, reason)
}

func TestANumberIsNotDroppedBeforeItsVoidIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		freeOne(t, m, rows, rows)
		time.Sleep(25 * time.Hour)
		asked := false
		owner := &hooked{Rows: rows, before: func() error {
			asked = true
			wantLedger(t, m, 3, 0, counter.Range{First: 2, Last: 2})
			return errors.New("Postgres is away")
		}}
		r := run(t, counter.Config{Store: m, Owner: owner, Rules: withinADay()})
		if err := store(rows, r.take()); err != nil || !asked {
			t.Errorf("%v, asked %v", err, asked)
		}
		if got := rows.Row(invoices, 2); got != "void: released_late" {
			t.Errorf("2 is %q", got)
		}
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Errorf("unaccounted: %v", odd)
		}
	})
}

// Another replica, whose rules are older, reserves the range just before it is
// void: its number meets the void, and it goes on with another.
func TestANumberThatIsReservedWhileItIsMadeVoidIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		freeOne(t, m, rows, rows)
		time.Sleep(25 * time.Hour)
		other := run(t, counter.Config{Store: m, Owner: rows})
		var taken counter.Number
		owner := &hooked{Rows: rows, before: func() error {
			taken = other.take()
			return nil
		}}
		r := run(t, counter.Config{Store: m, Owner: owner, Rules: withinADay()})
		n := r.take()
		if err := store(rows, n); err != nil || n.Value() != 4 {
			t.Errorf("got %d, %v; want 4", n.Value(), err)
		}
		if taken.Value() != 2 {
			t.Fatalf("the other took %d, want 2", taken.Value())
		}
		if err := store(rows, taken); !errors.Is(err, countertest.ErrTaken) {
			t.Errorf("2 was stored although it is void: %v", err)
		}
		taken.Spend()
		if err := store(rows, other.take()); err != nil {
			t.Errorf("the other's next: %v", err)
		}
		other.stop()
		r.stop()
		if odd := countertest.Unaccounted(ledgerOf(t, m), rows, invoices); odd != nil {
			t.Errorf("unaccounted: %v", odd)
		}
	})
}
