package counter_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

func manyOf(count int) (all []counter.Series) {
	for i := range count {
		all = append(all, counter.Series{Tenant: fmt.Sprintf("tenant-%03d", i), Name: "invoice"})
	}
	return all
}

// heldIn counts the series of which anybody holds a block, and the numbers that are
// free in all.
func heldIn(t *testing.T, m *countertest.Mem, all []counter.Series) (held int, free int64) {
	t.Helper()
	for _, s := range all {
		l, _, err := m.Load(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if len(l.Held) > 0 {
			held++
		}
		for _, f := range l.Free {
			free += f.Len()
		}
	}
	return held, free
}

func TestWhatIsNotHandedBackInTimeIsSettledByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		all := manyOf(900)
		r := run(t, counter.Config{Store: m, Owner: rows, HandBack: 2 * time.Second})
		for _, s := range all {
			n, err := r.Take(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			n.Return()
		}
		plant(func(op string) countertest.Fault {
			if op == "SwapMany" {
				return countertest.Fault{Delay: 1500 * time.Millisecond}
			}
			return countertest.Fault{}
		})
		begun := time.Now()
		r.stop()
		if took := time.Since(begun); took > 4*time.Second { // what was sent is waited for
			t.Errorf("the stop took %s, want two seconds and a call", took)
		}
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		held, _ := heldIn(t, m, all)
		if held == 0 || held == len(all) {
			t.Fatalf("%d of %d series are still held: the test shows nothing", held, len(all))
		}
		other := run(t, counter.Config{Store: m, Owner: rows})
		time.Sleep(time.Minute)
		if got := other.Stats().Settled; got != int64(held) {
			t.Errorf("%d blocks were settled, want %d", got, held)
		}
		if held, free := heldIn(t, m, all); held != 0 || free != int64(len(all)) {
			t.Errorf("%d series are held, %d numbers are free; want none and %d", held, free, len(all))
		}
		other.stop()
	})
}

// TestAStopHandsEverythingBackThroughLosses: of some series a number is in doubt, with
// a row or without; the rest is handed back in steps whose requests and replies get lost.
func TestAStopHandsEverythingBackThroughLosses(t *testing.T) {
	var unknown int64
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			m, rows, plant := plantable()
			network := &countertest.Network{Seed: seed + 1}
			all := manyOf(200)
			r := run(t, counter.Config{Store: m, Owner: rows, HandBack: time.Minute})
			for i, s := range all {
				n, err := r.Take(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				if i%10 > 1 {
					n.Return()
					continue
				}
				n.Offer()
				n.Doubt()
				if i%10 == 0 {
					if err := rows.Write(n.Block(), s, n.Value(), "invoice"); err != nil {
						t.Fatal(err)
					}
				}
			}
			plant(func(op string) countertest.Fault {
				if op == "HeldBy" {
					return countertest.Fault{} // who does not learn what it holds leaves it to others
				}
				return network.Fault(op, counter.Series{})
			})
			r.stop()
			plant(func(string) countertest.Fault { return countertest.Fault{} })
			unknown += r.Stats().Unknown
			if held, free := heldIn(t, m, all); held != 0 || free != 180 {
				t.Errorf("seed %d: %d series are held, %d numbers are free; want none and 180", seed+1, held, free)
			}
			for _, s := range all {
				if l, _, _ := m.Load(t.Context(), s); countertest.Unaccounted(l, rows, s) != nil {
					t.Errorf("seed %d: %s: unaccounted: %+v", seed+1, s, l)
				}
			}
		})
	}
	if unknown == 0 {
		t.Error("every outcome was known: the test shows nothing")
	}
}

func TestManySweepersRaceAndEachBlockIsSettledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		all := manyOf(50)
		dead, err := m.Register(t.Context(), counter.Holder{Name: "dead.1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			reserveAs(t, m, "dead.1", s, 3)
		}
		var sweepers []*replica
		for range 5 {
			sweepers = append(sweepers, run(t, counter.Config{Store: m, Owner: rows}))
		}
		time.Sleep(time.Second)
		plant(func(string) countertest.Fault { return countertest.Fault{Delay: 20 * time.Millisecond} })
		if err := dead.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		var settled, conflicts int64
		for _, r := range sweepers {
			settled, conflicts = settled+r.Stats().Settled, conflicts+r.Stats().Conflicts
		}
		if conflicts == 0 {
			t.Error("no two sweepers met: the test shows nothing")
		}
		if settled != int64(len(all)) {
			t.Errorf("%d blocks were settled, want %d", settled, len(all))
		}
		if held, free := heldIn(t, m, all); held != 0 || free != 3*int64(len(all)) {
			t.Errorf("%d series are held, %d numbers are free; want none and %d", held, free, 3*len(all))
		}
		for _, r := range sweepers {
			r.stop()
		}
	})
}
