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

// tidy begins to hand back the idle series of replica r, one after the other,
// unless it is still at it since the last time.
func (f *fleet) tidy(at time.Duration, r int32) {
	f.events.add(event{at: at + f.conditions.Idle/tidyParts, what: tidies, id: r})
	own := &f.replicas[r]
	if len(own.tidying) > 0 {
		return
	}
	own.tidying = slices.Clone(own.shelves)
	own.before = at - f.conditions.Idle
	f.tidyNext(at, r)
}

// tidyNext looks for the next shelf with something to hand back.
func (f *fleet) tidyNext(at time.Duration, r int32) {
	own := &f.replicas[r]
	for len(own.tidying) > 0 {
		id := own.tidying[len(own.tidying)-1]
		if f.putAway(at, id, own.before) {
			f.shelves[id].handBack.under = true
			f.events.add(event{at: at + f.leg(), what: handBackRead, id: id})
			return
		}
		own.tidying = own.tidying[:len(own.tidying)-1]
	}
}

// putAway marks what leaves a shelf nobody took from since before, or that has had
// far more than it needs for long, and reports whether there is anything.
func (f *fleet) putAway(at time.Duration, id int32, before time.Duration) bool {
	s := &f.shelves[id]
	leaving, surplus := false, counter.Surplus(s.left(), s.meter.demand(at), counter.Bounds{})
	for i := range s.stocks {
		st := &s.stocks[i]
		if st.surplus++; !surplus {
			st.surplus = 0
		}
		due := s.lastTake <= before || st.surplus >= surplusLooks
		if !s.refill.under && due && st.settled(at, f.conditions.Commit) {
			st.leaving = true
		}
		leaving = leaving || st.leaving
	}
	return leaving
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

// handedBack forgets what left the ledger, and the shelf if nothing is left.
func (f *fleet) handedBack(at time.Duration, id int32) {
	s := &f.shelves[id]
	s.handBack.under = false
	s.stocks = slices.DeleteFunc(s.stocks, func(st stock) bool { return st.leaving && st.gone })
	r := s.replica
	own := &f.replicas[r]
	own.tidying = own.tidying[:len(own.tidying)-1]
	if len(s.stocks) == 0 && len(s.waiting) == 0 && !s.refill.under {
		f.forget(id)
	}
	f.tidyNext(at, r)
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
