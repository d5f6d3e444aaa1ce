package counter_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// issueOf takes a number of s and has it stored.
func issueOf(t *testing.T, r *replica, s counter.Series) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := r.Take(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	n.Offer()
	n.Spend()
	return n.Value()
}

// leaveOneOfEach leaves number 1 of each series on the shelves of r.
func leaveOneOfEach(t *testing.T, r *replica, all []counter.Series) {
	t.Helper()
	for _, s := range all {
		n, err := r.Take(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		n.Return()
	}
}

// wantAllFree wants number 1 of each series to be free, and nothing held or lost.
func wantAllFree(t *testing.T, m *countertest.Mem, r *replica, all []counter.Series) {
	t.Helper()
	if held, free := heldIn(t, m, all); held != 0 || free != int64(len(all)) {
		t.Errorf("%d series are held, %d numbers are free; want none and %d", held, free, len(all))
	}
	if s := r.Stats(); s.Forfeited != 0 || s.Series != 0 {
		t.Errorf("%d numbers are forfeited, %d shelves are kept for nobody", s.Forfeited, s.Series)
	}
}

// times gives the calls of one kind faults, one after the other, and those after them
// none. It returns how many calls of each kind there were.
func times(plant func(func(string) countertest.Fault), op string, faults ...countertest.Fault) func(string) int {
	var mu sync.Mutex
	calls := map[string]int{}
	plant(func(called string) countertest.Fault {
		mu.Lock()
		defer mu.Unlock()
		calls[called]++
		if n := calls[called]; called == op && n <= len(faults) {
			return faults[n-1]
		}
		return countertest.Fault{}
	})
	return func(op string) int {
		mu.Lock()
		defer mu.Unlock()
		return calls[op]
	}
}

func TestManyHandBacksOfWhichTheReplyIsLostAreRecognised(t *testing.T) {
	for name, is := range map[string]struct {
		fault  countertest.Fault
		steps  int // that are sent
		before time.Duration
	}{
		"the step was applied":                   {countertest.Fault{Mute: true}, 1, time.Second},
		"it was not":                             {countertest.Fault{Drop: true}, 2, time.Second},
		"it is applied before the next is sent":  {countertest.Fault{Stray: time.Millisecond / 2}, 1, time.Second},
		"it lands after the next was applied":    {countertest.Fault{Stray: time.Second}, 2, 2 * time.Second},
		"it is applied when its time is used up": {countertest.Fault{Delay: 1200 * time.Millisecond}, 1, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _, plant := plantable()
				all := manyOf(30)
				r := run(t, counter.Config{Store: m})
				leaveOneOfEach(t, r, all)
				calls := times(plant, "SwapMany", is.fault)
				for calls("SwapMany") == 0 {
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(is.before)
				if got := calls("SwapMany"); got != is.steps || calls("Swap") != 0 {
					t.Errorf("%d steps and %d swaps of one, want %d and none", got, calls("Swap"), is.steps)
				}
				if r.Stats().Unknown != 1 {
					t.Errorf("%d unknown outcomes, want 1: the test shows nothing", r.Stats().Unknown)
				}
				wantAllFree(t, m, r, all)
				for _, s := range all {
					if got := issueOf(t, r, s); got != 1 {
						t.Errorf("the next number of %s is %d, want 1", s, got)
					}
				}
				r.stop()
			})
		})
	}
}

// TestNothingIsForgottenBeforeItIsKnownToHaveLeft: the store reads and takes no swap.
func TestNothingIsForgottenBeforeItIsKnownToHaveLeft(t *testing.T) {
	for name, fault := range map[string]countertest.Fault{"lost": {Drop: true}, "refused": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _, plant := plantable()
				all := manyOf(30)
				r := run(t, counter.Config{Store: &refusing{Mem: m, refuses: name == "refused"}})
				leaveOneOfEach(t, r, all)
				plant(func(op string) countertest.Fault {
					if op == "SwapMany" || op == "Swap" {
						return fault
					}
					return countertest.Fault{}
				})
				time.Sleep(3 * time.Minute)
				if s := r.Stats(); name == "lost" && s.Series != int64(len(all)) {
					t.Errorf("%d shelves, want all %d: what they have is still in the ledgers", s.Series, len(all))
				}
				plant(func(string) countertest.Fault { return countertest.Fault{} })
				r.stop()
				if r.Stats().Unknown+r.Stats().Conflicts == 0 {
					t.Error("nothing went wrong: the test shows nothing")
				}
				wantAllFree(t, m, r, all)
			})
		})
	}
}

// refusing is a store whose steps of many are conflicts, if it refuses.
type refusing struct {
	*countertest.Mem
	refuses bool
}

func (x *refusing) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	if x.refuses {
		return counter.ErrConflict
	}
	return x.Mem.SwapMany(ctx, holder, all)
}

// TestNothingIsTakenOfWhatAStrayStepMayStillFree: nobody can say for twenty seconds
// what became of a step, which is then applied.
func TestNothingIsTakenOfWhatAStrayStepMayStillFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, plant := plantable()
		all := manyOf(3)
		r := run(t, counter.Config{Store: m, Pod: "a"})
		leaveOneOfEach(t, r, all)
		var sent atomic.Int64
		plant(func(op string) countertest.Fault {
			if op == "SwapMany" {
				sent.Add(1)
				return countertest.Fault{Stray: 20 * time.Second}
			}
			return countertest.Fault{Drop: sent.Load() > 0}
		})
		time.Sleep(70 * time.Second)
		if sent.Load() != 1 {
			t.Fatalf("%d steps were sent, want 1", sent.Load())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		n, err := r.Take(ctx, all[0])
		cancel()
		time.Sleep(20 * time.Second) // it lands
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		other := run(t, counter.Config{Store: m, Pod: "b"})
		if got := issueOf(t, other, all[0]); got != 1 {
			t.Errorf("another replica was given %d, want 1: the step never landed, the test shows nothing", got)
		}
		if err == nil {
			t.Errorf("%d was given while a step that frees it was on its way", n.Value())
		}
		for _, r := range []*replica{r, other} {
			r.stop()
		}
	})
}

// TestALedgerThatOthersChangeDoesNotHoldUpTheRest: another replica comes to one series
// in the middle of a hand-back.
func TestALedgerThatOthersChangeDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, plant := plantable()
		all := manyOf(30)
		r := run(t, counter.Config{Store: m, Pod: "a"})
		leaveOneOfEach(t, r, all)
		other, err := m.Register(t.Context(), counter.Holder{Name: "other.1"})
		if err != nil {
			t.Fatal(err)
		}
		calls := times(plant, "SwapMany", countertest.Fault{Delay: 100 * time.Millisecond})
		for calls("SwapMany") == 0 {
			time.Sleep(20 * time.Millisecond)
		}
		reserveAs(t, m, "other.1", all[7], 1)
		time.Sleep(time.Second)
		// The step that is refused, the same without the one series, that series; and other's.
		if many, one := calls("SwapMany"), calls("Swap"); many != 2 || one != 2 || r.Stats().Conflicts != 1 {
			t.Errorf("%d steps, %d swaps of one, %d conflicts; want 2, 2 and 1", many, one, r.Stats().Conflicts)
		}
		if held, free := heldIn(t, m, all); held != 1 || free != int64(len(all)) {
			t.Errorf("%d series are held, %d numbers free; want other's and %d", held, free, len(all))
		}
		if err := other.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.stop()
	})
}

func TestADamagedLedgerDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		all := manyOf(30)
		r := run(t, counter.Config{Store: m})
		leaveOneOfEach(t, r, all)
		m.Put(all[3], "abc")
		time.Sleep(80 * time.Second)
		rest := append(all[:3:3], all[4:]...)
		if held, free := heldIn(t, m, rest); held != 0 || free != int64(len(rest)) {
			t.Errorf("%d series are held, %d numbers free; want none and %d", held, free, len(rest))
		}
		r.stop()
		if got := m.Text(all[3]); got != "abc" {
			t.Errorf("the damaged ledger became %s", got)
		}
	})
}

func TestAHolderThatIsLostHandsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows, plant := plantable()
		all := manyOf(30)
		r := run(t, counter.Config{Store: m, Owner: rows})
		leaveOneOfEach(t, r, all)
		first := r.Holder()
		calls := times(plant, "SwapMany", countertest.Fault{Delay: 500 * time.Millisecond})
		for calls("SwapMany") == 0 {
			time.Sleep(20 * time.Millisecond)
		}
		m.Expire(first)
		time.Sleep(time.Minute)
		if r.Holder() == first || r.Stats().Settled != int64(len(all)) {
			t.Errorf("%s was %s; %d blocks were settled, want another and %d", r.Holder(), first, r.Stats().Settled, len(all))
		}
		wantAllFree(t, m, r, all)
		r.stop()
	})
}
