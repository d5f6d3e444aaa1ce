package forecast

import (
	"errors"
	"slices"
	"time"

	"folio/counter"
)

const (
	tidyParts    = 12 // looks in an idle time
	surplusLooks = 12 // looks that find a surplus before it is handed back
)

// tidying is what a replica is handing back: together, as far as that goes, and one
// step after the other.
type tidying struct {
	under bool    // way
	due   []int32 // shelves whose turn is still to come
	step  []int32 // those of the step under way
	tries uint8   // steps that others' changes refused
	alone []int32 // those that go by themselves
}

// togetherTries is how many steps a hand-back takes part in.
const togetherTries = 3

// tidy begins to hand back the idle series of replica r, unless it is still at it
// since the last time, or what they have does not press and is not enough for a step.
func (f *fleet) tidy(at time.Duration, r int32) {
	f.events.add(event{at: at + f.conditions.Idle/tidyParts, what: tidies, id: r})
	own := &f.replicas[r]
	if own.tidying.under {
		return
	}
	var all []int32
	pressing := false
	for _, id := range own.shelves {
		if due, presses := f.putAway(at, id); due {
			all, pressing = append(all, id), pressing || presses
		}
	}
	if pressing || len(all) >= counter.MaxSwaps {
		own.tidying = tidying{under: true, due: all}
		f.tidyNext(at, r)
	}
}

// tidyNext begins the next step, or the next hand-back by itself.
func (f *fleet) tidyNext(at time.Duration, r int32) {
	own := &f.replicas[r].tidying
	own.step, own.tries = nil, 0
	if len(own.alone) == 0 {
		own.step = own.due[:f.fitting(own.due)]
		own.due = own.due[len(own.step):]
		if len(own.step) == 1 {
			own.alone, own.step = own.step, nil
		}
	}
	switch {
	case len(own.step) > 0:
		f.events.add(event{at: at + f.leg(), what: stepReads, id: r})
	case len(own.alone) > 0:
		id := own.alone[0]
		own.alone = own.alone[1:]
		f.events.add(event{at: at + f.leg(), what: handBackRead, id: id})
	default:
		own.under = false
	}
}

// fitting returns how many of the first of shelves make one step.
func (f *fleet) fitting(shelves []int32) int {
	size := 0
	for i, id := range shelves {
		size += valueBytes(f.ledgers[f.shelves[id].tenant])
		if i == counter.MaxSwaps || i > 0 && size > counter.MaxSwapBytes {
			return i
		}
	}
	return len(shelves)
}

// putAway marks what leaves a shelf nobody took from for so long, or that has had far
// more than it needs for long. It reports whether there is anything, and whether that
// presses: numbers do, a spent block only after as long again.
func (f *fleet) putAway(at time.Duration, id int32) (due, presses bool) {
	s := &f.shelves[id]
	idle := f.conditions.Idle
	surplus := counter.Surplus(s.left(), s.meter.demand(at), counter.Bounds{})
	for i := range s.stocks {
		st := &s.stocks[i]
		if st.surplus++; !surplus {
			st.surplus = 0
		}
		if !s.refill.under && (at-s.lastTake >= idle || st.surplus >= surplusLooks) && st.settled(at, f.conditions.Commit) {
			st.leaving = true
		}
		due = due || st.leaving
		presses = presses || st.leaving && st.left() > 0
	}
	return due, due && (presses || at-s.lastTake >= 2*idle)
}

// readStep notes which values of the ledgers the step will compare with.
func (f *fleet) readStep(at time.Duration, r int32) {
	for _, id := range f.replicas[r].tidying.step {
		s := &f.shelves[id]
		f.watch.read(at, s.tenant)
		s.handBack.seen = f.versions[s.tenant]
	}
	f.events.add(event{at: at + f.leg() + f.leg(), what: stepSwaps, id: r})
}

// swapStep replaces all ledgers of the step if each still has the value that was read.
// If not, those that others have changed go by themselves, and the rest once more.
func (f *fleet) swapStep(at time.Duration, r int32) {
	own := &f.replicas[r].tidying
	var same []int32
	for _, id := range own.step {
		if s := &f.shelves[id]; s.handBack.seen == f.versions[s.tenant] {
			same = append(same, id)
		}
	}
	if len(same) == len(own.step) {
		f.releaseAll(at, own.step)
		f.events.add(event{at: at + f.leg(), what: stepDone, id: r})
		return
	}
	f.refuse(at, own, same)
	if len(own.step) == 0 {
		f.events.add(event{at: at + f.leg(), what: stepDone, id: r})
		return
	}
	f.events.add(event{at: at + f.leg() + f.pause(own.tries) + f.leg(), what: stepReads, id: r})
}

// refuse ends a step in which others have changed all ledgers but same.
func (f *fleet) refuse(at time.Duration, own *tidying, same []int32) {
	own.tries++
	share := 1 / float64(len(own.step))
	for _, id := range own.step {
		tenant := f.shelves[id].tenant
		f.watch.swapped(at, tenant, f.ledgers[tenant], f.ledgers[tenant], share, false)
		if !slices.Contains(same, id) {
			own.alone = append(own.alone, id)
		}
	}
	if own.step = same; len(same) == 1 || own.tries == togetherTries {
		own.alone, own.step = append(own.alone, same...), nil
	}
}

// releaseAll is the change of a step.
func (f *fleet) releaseAll(at time.Duration, step []int32) {
	old := make(map[int32]counter.Ledger)
	for _, id := range step {
		tenant := f.shelves[id].tenant
		before := f.ledgers[tenant]
		if f.release(at, id); !f.ledgers[tenant].Equal(before) {
			old[id] = before
		}
	}
	for _, id := range step {
		tenant := f.shelves[id].tenant
		if before, changed := old[id]; changed {
			f.versions[tenant]++
			f.watch.swapped(at, tenant, before, f.ledgers[tenant], 1/float64(len(old)), true)
		}
	}
}

// stepOver forgets what left the ledgers with a step.
func (f *fleet) stepOver(at time.Duration, r int32) {
	for _, id := range f.replicas[r].tidying.step {
		f.clear(id)
	}
	f.tidyNext(at, r)
}

// release is the hand-back's change of the ledger. A block that has no room among
// the free ranges stays, and is tried again.
func (f *fleet) release(at time.Duration, id int32) kind {
	s := &f.shelves[id]
	next := f.ledgers[s.tenant]
	for i := range s.stocks {
		st := &s.stocks[i]
		if !st.leaving {
			continue
		}
		if !next.Holds(st.Block) {
			st.gone = true // a refill was quicker
			continue
		}
		out, err := next.Release(st.Block, st.unused(), stamp(at))
		if errors.Is(err, counter.ErrNoRoom) {
			f.watch.noRoom()
			continue
		}
		if err != nil {
			f.fail(err)
			continue
		}
		f.hold(at, s.replica, -st.left(), -1)
		next, st.gone = out, true
	}
	f.ledgers[s.tenant] = next
	return handBackDone
}

// handedBack forgets what left the ledger by itself.
func (f *fleet) handedBack(at time.Duration, id int32) {
	r := f.shelves[id].replica
	f.clear(id)
	f.tidyNext(at, r)
}

// clear takes from a shelf what left the ledger, and drops it if nothing is left.
func (f *fleet) clear(id int32) {
	s := &f.shelves[id]
	s.stocks = slices.DeleteFunc(s.stocks, func(st stock) bool { return st.leaving && st.gone })
	if len(s.stocks) == 0 && len(s.waiting) == 0 && !s.refill.under {
		f.forget(id)
	}
}

func (f *fleet) forget(id int32) {
	s := &f.shelves[id]
	own := &f.replicas[s.replica]
	last := own.shelves[len(own.shelves)-1]
	own.shelves[s.listed] = last
	f.shelves[last].listed = s.listed
	own.shelves = own.shelves[:len(own.shelves)-1]
	delete(f.places, s.place)
	f.shelves[id] = shelf{}
	f.spare = append(f.spare, id)
}
