package counter_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// Replicas come, store, return, crash and go, over a store that loses replies and
// delays swaps; freed numbers grow old. Nothing is stored twice, nothing is
// missing, and what is given was never free for longer than the rule allows.
func TestFreedNumbersGrowOldAmongReplicasThatCrash(t *testing.T) {
	late := 0
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) { late += growOld(t, seed) })
	}
	if late == 0 {
		t.Error("no number was ever freed too long: the test shows nothing")
	}
}

func growOld(t *testing.T, seed uint64) (late int) {
	const within, onShelf = time.Hour, 10 * time.Minute // a shelf is handed back when it has rested for five
	random := rand.New(rand.NewPCG(seed, 1))
	m, rows := &countertest.Mem{Faults: lossy(seed)}, &countertest.Rows{}
	config := counter.Config{Store: m, Owner: rows, Rules: rules(counter.Rules{ReuseWithin: within}), Idle: 5 * time.Minute}
	replicas := []*replica{run(t, config), run(t, config), run(t, config)}
	freed := make(map[int64]time.Time) // what is free, and since when
	for range 60 {
		r := replicas[random.IntN(len(replicas))]
		for range 1 + random.IntN(20) {
			n := r.take()
			if at, ok := freed[n.Value()]; ok && time.Since(at) > within+onShelf && rows.Row(invoices, n.Value()) == "" {
				t.Errorf("seed %d: %d was given after it was free for %s", seed, n.Value(), time.Since(at))
			}
			delete(freed, n.Value())
			if random.IntN(3) == 0 {
				n.Return()
			} else if err := store(rows, n); err != nil {
				n.Spend() // void, or of a life that is over
			}
		}
		if random.IntN(6) == 0 {
			m.Expire(r.Holder())
		}
		time.Sleep(time.Duration(random.IntN(40)) * time.Minute)
		clear(freed)
		for _, f := range ledgerOf(t, m).Free {
			for n := f.First; n <= f.Last; n++ {
				freed[n] = f.At
			}
		}
	}
	for _, r := range replicas {
		r.stop()
	}
	l := ledgerOf(t, m)
	if odd := countertest.Unaccounted(l, rows, invoices); odd != nil {
		t.Errorf("seed %d: unaccounted: %v", seed, odd)
	}
	for n := l.Range().First; n <= l.Mark; n++ {
		if strings.HasSuffix(rows.Row(invoices, n), "released_late") {
			late++
		}
	}
	return late
}

// lossy loses one reply in ten, and lets one swap in twenty stray.
func lossy(seed uint64) func(string, counter.Series) countertest.Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 2))
	return func(op string, _ counter.Series) countertest.Fault {
		mu.Lock()
		defer mu.Unlock()
		f := countertest.Fault{Delay: time.Duration(random.IntN(5)) * time.Millisecond}
		switch {
		case op == "Swap" && random.IntN(20) == 0:
			f.Stray = time.Duration(random.IntN(300)) * time.Millisecond
		case op == "Swap":
			f.Mute = random.IntN(10) == 0
		}
		return f
	}
}
