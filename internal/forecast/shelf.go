package forecast

import (
	"cmp"
	"slices"
	"time"

	"folio/counter"
)

// shelf is what one replica has of one series.
type shelf struct {
	place
	listed   int32           // where its replica lists it
	stocks   []stock         // ascending by first number
	waiting  []time.Duration // since when each request waits
	meter    meter
	size     int64         // of the block reserved last
	took     time.Duration // how long the last refill took
	began    time.Duration // when the present one did
	lastTake time.Duration
	coming   counter.Block // reserved, on its way here
	refill   attempt
	handBack attempt
	floored  bool
}

// stock is a block and how far it is used up.
type stock struct {
	counter.Block
	next    int64         // the lowest number not taken
	last    time.Duration // when the last one was taken
	gone    bool          // leaves the ledger with the refill under way
	surplus uint8         // looks in a row that found its shelf with more than it needs
	leaving bool          // is being handed back: nothing is taken from it
}

func (s *stock) left() int64 { return s.Last - s.next + 1 }

// settled reports whether every number that was taken has its row.
func (s *stock) settled(at, commit time.Duration) bool {
	return s.next == s.First || at >= s.last+commit
}

func (s *stock) unused() []counter.Range {
	if s.left() == 0 {
		return nil
	}
	return []counter.Range{{First: s.next, Last: s.Last}}
}

// takeNow returns the lowest number at hand.
func (s *shelf) takeNow(at time.Duration) (int64, bool) {
	for i := range s.stocks {
		st := &s.stocks[i]
		if !st.leaving && st.left() > 0 {
			st.next++
			st.last = at
			return st.next - 1, true
		}
	}
	return 0, false
}

func (s *shelf) left() (n int64) {
	for i := range s.stocks {
		if !s.stocks[i].leaving {
			n += s.stocks[i].left()
		}
	}
	return n
}

func (s *shelf) put(b counter.Block) {
	s.stocks = slices.DeleteFunc(s.stocks, func(st stock) bool { return st.gone })
	i, _ := slices.BinarySearchFunc(s.stocks, b.First, func(st stock, first int64) int {
		return cmp.Compare(st.First, first)
	})
	s.stocks = slices.Insert(s.stocks, i, stock{Block: b, next: b.First})
}

// shelf returns the shelf at p, a new one if there is none.
func (f *fleet) shelf(p place) int32 {
	if id, ok := f.places[p]; ok {
		return id
	}
	var id int32
	if k := len(f.spare); k > 0 {
		id, f.spare = f.spare[k-1], f.spare[:k-1]
	} else {
		id = int32(len(f.shelves))
		f.shelves = append(f.shelves, shelf{})
	}
	r := &f.replicas[p.replica]
	f.shelves[id] = shelf{place: p, listed: int32(len(r.shelves))}
	f.places[p] = id
	r.shelves = append(r.shelves, id)
	return id
}

// take is one request of a tenant at a replica.
func (f *fleet) take(at time.Duration, p place) {
	f.pass(at)
	id := f.shelf(p)
	s := &f.shelves[id]
	s.meter.add(at)
	s.lastTake = at
	n, ok := s.takeNow(at)
	if !ok {
		s.waiting = append(s.waiting, at)
		f.startRefill(at, id)
		return
	}
	f.hold(at, p.replica, -1, 0)
	f.watch.took(at, p.tenant, n, 0)
	if s.left() < counter.Ahead(s.meter.demand(at), s.took) {
		f.startRefill(at, id)
	}
}

// startRefill begins a refill unless one is under way. The first of a shelf asks
// for the series' floor, which costs a look into Postgres and one more read.
func (f *fleet) startRefill(at time.Duration, id int32) {
	s := &f.shelves[id]
	if s.refill.under {
		return
	}
	s.refill.under = true
	f.plan(at, s)
	first := f.leg()
	if !s.floored {
		first += f.conditions.Floor + f.leg() + f.leg()
		f.watch.asked(at, s.tenant)
		f.watch.read(at, s.tenant)
		s.floored = true
	}
	f.events.add(event{at: at + first, what: refillReads, id: id})
}

// plan decides how many numbers to reserve, and which blocks leave with that.
func (f *fleet) plan(at time.Duration, s *shelf) {
	s.began = at
	s.size = counter.NextSize(s.size, s.meter.demand(at), counter.Bounds{})
	for i := range s.stocks {
		st := &s.stocks[i]
		st.gone = st.gone || st.left() == 0 && st.settled(at, f.conditions.Commit)
	}
}

// reserve is the refill's change of the ledger.
func (f *fleet) reserve(at time.Duration, id int32) kind {
	s := &f.shelves[id]
	next := f.ledgers[s.tenant]
	for i := range s.stocks {
		if st := &s.stocks[i]; st.gone && next.Holds(st.Block) {
			next = f.drop(next, st, s.replica, at)
		}
	}
	want := counter.Want{Holder: f.replicas[s.replica].name, Era: era, Count: s.size, At: stamp(s.began)}
	next, b, err := next.Reserve(want)
	if err != nil {
		f.fail(err)
		return refillDone
	}
	f.ledgers[s.tenant], s.coming = next, b
	f.hold(at, s.replica, b.Len(), 1)
	return refillDone
}

// drop releases st in l. Its numbers are all used up, or are freed.
func (f *fleet) drop(l counter.Ledger, st *stock, r int32, at time.Duration) counter.Ledger {
	next, err := l.Release(st.Block, st.unused(), stamp(at))
	if err != nil {
		f.fail(err)
		return l
	}
	f.hold(at, r, -st.left(), -1)
	return next
}

// put adds the block that was reserved and serves who waits; if that is not
// enough, the refill goes on.
func (f *fleet) put(at time.Duration, id int32) {
	s := &f.shelves[id]
	s.put(s.coming)
	s.took = at - s.began
	for len(s.waiting) > 0 {
		n, ok := s.takeNow(at)
		if !ok {
			f.plan(at, s)
			f.events.add(event{at: at + f.leg(), what: refillReads, id: id})
			return
		}
		f.hold(at, s.replica, -1, 0)
		f.watch.took(at, s.tenant, n, at-s.waiting[0])
		s.waiting = s.waiting[1:]
	}
	s.waiting = nil
	s.refill.under = false
}
