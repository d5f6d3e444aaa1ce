package counter

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of what an [Allocator] has done since it was made, and of
// what it has now.
type Stats struct {
	Holder string // the present holder; "" between two lives
	Lives  int64  // holders registered
	Series int64  // series with a shelf
	Left   int64  // numbers on the shelves
	Blocks Blocks // on the shelves

	Reserved  int64 // blocks
	Taken     int64 // numbers, each time one was
	Spent     int64 // numbers
	Returned  int64 // numbers, each time one was
	Doubtful  int64 // numbers
	Conflicts int64 // swaps that found the ledger changed
	Unknown   int64 // swaps whose outcome had to be found out
	Settled   int64 // blocks of dead holders, by this allocator
	Forfeited int64 // numbers that nobody can account for, without an owner
	Raised    int64 // ledgers found below what is known to be spent
	Waits     int64 // takes that had to wait for a refill, in the present life
}

// Blocks counts blocks on shelves by what is left to do with them.
type Blocks struct {
	Open    int64 // numbers can be taken, or could at the last look
	Waiting int64 // all numbers are taken, and not all are spent
	Spent   int64 // all numbers are spent: it leaves the ledger with the next swap
	Leaving int64 // called in, or handed back: nothing is taken from it any more
}

// SeriesStats is a snapshot of one series on this allocator's shelves.
type SeriesStats struct {
	Series     Series
	Mark       int64         // of the ledger, as last seen
	Held       int64         // numbers in the blocks held
	Left       int64         // of these, how many can be taken
	PerSecond  float64       // takes, over the last ten seconds
	LastRefill time.Duration // how long the last refill took
	Waits      int64         // takes that had to wait for a refill
	Conflicts  int64         // swaps that found the ledger changed
	Unknown    int64         // swaps whose outcome had to be found out
	Settled    int64         // blocks of dead holders, by this allocator since it was made
	Forfeited  int64         // numbers that nobody can account for, without an owner
}

// counts are the running totals behind [Stats]. Spent are those of blocks that
// have left the shelves: on the shelves, the marks themselves are counted. So are
// taken, which leaves out numbers that wait to be taken again: with returned it is how
// often one was taken.
type counts struct {
	lives, reserved, spent, taken, returned, doubtful atomic.Int64
	conflicts, unknown, settled, forfeited, raised    atomic.Int64

	spentSeen, takenSeen atomic.Int64
}

// left counts what blocks have come to that leave the shelves.
func (c *counts) left(taken, spent int64) {
	c.taken.Add(taken)
	c.spent.Add(spent)
}

// tally is what this allocator did to a series that it need not have a shelf of.
type tally struct{ settled, forfeited int64 }

// Stats returns a snapshot; its parts may be some operations apart.
func (a *Allocator) Stats() Stats {
	s := Stats{
		Lives: a.counts.lives.Load(), Reserved: a.counts.reserved.Load(), Spent: a.counts.spent.Load(), Taken: a.counts.taken.Load(),
		Returned: a.counts.returned.Load(), Doubtful: a.counts.doubtful.Load(), Conflicts: a.counts.conflicts.Load(),
		Unknown: a.counts.unknown.Load(), Settled: a.counts.settled.Load(), Forfeited: a.counts.forfeited.Load(),
		Raised: a.counts.raised.Load(),
	}
	if l := a.current.Load(); l != nil {
		s.Holder = l.holder.Name
		for _, sh := range l.shelves.all() {
			sh.addTo(&s)
		}
	}
	s.Spent = neverLess(&a.counts.spentSeen, s.Spent)
	s.Taken = neverLess(&a.counts.takenSeen, s.Taken+s.Returned)
	return s
}

// neverLess returns the highest total seen: a block that leaves its shelf meanwhile is
// not counted, and a total must not fall.
func neverLess(highest *atomic.Int64, total int64) int64 {
	for {
		seen := highest.Load()
		if total <= seen || highest.CompareAndSwap(seen, total) {
			return max(seen, total)
		}
	}
}

// EachSeries calls f with a snapshot of every series that has a shelf, in no
// order, until f returns false.
func (a *Allocator) EachSeries(f func(SeriesStats) bool) {
	l := a.current.Load()
	if l == nil {
		return
	}
	for _, sh := range l.shelves.all() {
		one := sh.stats(time.Now())
		t := a.tallyOf(sh.series)
		one.Settled, one.Forfeited = t.settled, t.forfeited
		if !f(one) {
			return
		}
	}
}

func (s *shelf) addTo(sum *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum.Series++
	sum.Left += s.leftNow()
	sum.Waits += int64(s.waits)
	if open := s.quick.Load(); open != nil {
		sum.Taken += open.from.throughGate(open)
	}
	for st := range s.stocks.all() {
		spent := st.spent()
		sum.Taken += st.taken()
		sum.Spent += spent
		sum.Blocks.add(st, spent)
	}
}

func (b *Blocks) add(st *stock, spent int64) {
	switch {
	case st.leaving:
		b.Leaving++
	case spent == st.Len():
		b.Spent++
	case st.left() > 0:
		b.Open++
	default:
		b.Waiting++
	}
}

func (s *shelf) stats(now time.Time) SeriesStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	takes := s.takes // a copy: to look is not to count
	if open := s.quick.Load(); open != nil {
		takes.spread(s.looked, now, int64(s.through)+open.from.throughGate(open))
	}
	out := SeriesStats{
		Series: s.series, Mark: s.mark, Left: s.leftNow(), PerSecond: takes.demand(now).PerSecond(),
		LastRefill: s.lastRefill(), Waits: int64(s.waits), Conflicts: int64(s.conflicts), Unknown: int64(s.unknown),
	}
	for st := range s.stocks.all() {
		out.Held += st.Len()
	}
	return out
}

// leftNow is left while the gate may be open. s.mu is held.
func (s *shelf) leftNow() int64 {
	n := s.left()
	if open := s.quick.Load(); open != nil {
		n -= open.from.throughGate(open)
	}
	return n
}

// came counts the numbers of a shelf that is closed: those taken, and those that have
// a row.
func (s *shelf) came() (taken, spent int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.stocks.all() {
		taken += st.taken()
		spent += st.spent()
	}
	return taken, spent
}

func (a *Allocator) settledSome(s Series, blocks []Block) {
	a.counts.settled.Add(int64(len(blocks)))
	a.tell(s, func(t *tally) { t.settled += int64(len(blocks)) })
	if a.Config.Owner == nil {
		for _, b := range blocks {
			a.forfeit(s, b.Len())
		}
	}
}

// raisedOver counts a mark that was raised, and what it was raised over.
func (a *Allocator) raisedOver(s Series, skipped int64) {
	if skipped == 0 {
		return // it was high enough, or somebody else has raised it
	}
	a.counts.raised.Add(1)
	if a.Config.Owner == nil {
		a.forfeit(s, skipped)
	}
}

func (a *Allocator) forfeit(s Series, n int64) {
	a.counts.forfeited.Add(n)
	a.tell(s, func(t *tally) { t.forfeited += n })
}

func (a *Allocator) tell(s Series, change func(*tally)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tallies == nil {
		a.tallies = make(map[Series]tally)
	}
	t := a.tallies[s]
	change(&t)
	a.tallies[s] = t
}

func (a *Allocator) tallyOf(s Series) tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tallies[s]
}
