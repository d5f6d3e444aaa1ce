package countertest

import (
	"fmt"
	"testing"

	"folio/counter"
)

// property is one sentence of the contract of counter.Store.
type property struct {
	name string
	show func(*caller)
}

func properties() []property {
	return []property{
		{"a series never used has the zero ledger", zeroLedger},
		{"what was swapped in is loaded", swapThenLoad},
		{"a swap against an old value is a conflict", staleSwap},
		{"a swap by an unregistered holder is lost", unregisteredSwap},
		{"a closed registration cannot swap any more", closedRegistration},
		{"of racing swaps exactly one wins", racingSwaps},
		{"holding and held-by follow the ledgers", heldIndex},
		{"held-by knows a block as soon as its ledger does", promptIndex},
		{"a swap that is refused leaves held-by alone", refusedIndex},
		{"a holder with another's name as beginning is apart", prefixNames},
		{"a watch tells of holders that are gone", watchGone},
		{"a watch tells of what is called in", watchCalled},
		{"many ledgers are loaded as each is", bulkLoad},
		{"the first number of a series is kept", firstNumber},
		{"list narrows by tenant and name", list},
		{"series whose names begin alike are apart", prefixSeries},
		{"a cancelled call says so", cancelled},
		{"a swap of unknown version text conflicts, never panics", oddVersion},
		{"swaps of many series at once are each as if alone", crowdedSwaps},
		{"many ledgers are swapped in one step, and the index with them", ofMany(swapMany)},
		{"many ledgers that were not there are made in one step", ofMany(newMany)},
		{"of many ledgers none is swapped if one has another value", ofMany(conflictOfMany)},
		{"of many ledgers none is swapped by a holder that is not registered", ofMany(lostMany)},
		{"of steps that meet in one ledger exactly one wins", ofMany(racingMany)},
		{"a cancelled step of many says so", ofMany(cancelledMany)},
	}
}

// Open returns an empty store, or a part of one that nobody else uses; it is
// called once for each property and seed. Where calls get lost, the seed is what
// they are drawn from.
type Open func(t testing.TB, seed uint64) counter.Store

// TestStore proves that a store keeps the contract of counter.Store, on a network
// that loses nothing: every call has to be answered.
func TestStore(t *testing.T, open func(t testing.TB) counter.Store) {
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) { p.show(&caller{TB: t, store: open(t)}) })
	}
}

// TestStoreThroughLosses proves the same, word for word, of a store that is reached
// over a network that loses calls and replies, once for each seed from 1 to seeds.
// Reads are repeated. A swap of unknown outcome is treated as [counter.Store] tells
// its callers to: the ledger is read, and if the swap is not in it the identical
// one is sent again. A run in which no reply was lost after its swap took effect, or
// no swap before it did, fails: it shows nothing.
func TestStoreThroughLosses(t *testing.T, seeds uint64, open Open) {
	var seen tally
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) {
			for seed := uint64(1); seed <= seeds; seed++ {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					p.show(&caller{TB: t, store: open(t, seed), seen: &seen})
				})
			}
		})
	}
	t.Log(seen.String())
	if err := seen.shown(); err != nil && !t.Failed() {
		t.Error(err)
	}
}

// Objection returns the first thing that [TestStoreThroughLosses] would object to in
// a store, or, of no seeds, [TestStore]; nil for a sound one. It is for tests of the
// suite: each shows a fault that is refused.
func Objection(t testing.TB, seeds uint64, open Open) error {
	if seeds == 0 {
		return objection(t, 0, open, nil)
	}
	var seen tally
	for seed := uint64(1); seed <= seeds; seed++ {
		if err := objection(t, seed, open, &seen); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return seen.shown()
}

func objection(t testing.TB, seed uint64, open Open, seen *tally) error {
	for _, p := range properties() {
		r := &recorder{TB: t}
		r.run(func() { p.show(&caller{TB: r, store: open(r, seed), seen: seen}) })
		if err := r.objection(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}
