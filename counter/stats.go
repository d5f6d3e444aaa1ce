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

	Reserved  int64 // blocks
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
// have left the shelves: on the shelves, the marks themselves are counted.
type counts struct {
	lives, reserved, spent, spentSeen, returned, doubtful atomic.Int64
	conflicts, unknown, settled, forfeited, raised        atomic.Int64
}

// tally is what this allocator did to a series that it need not have a shelf of.
type tally struct{ settled, forfeited int64 }

// Stats returns a snapshot; its parts may be some operations apart.
func (a *Allocator) Stats() Stats {
	s := Stats{
		Lives: a.counts.lives.Load(), Reserved: a.counts.reserved.Load(), Spent: a.counts.spent.Load(),
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
	s.Spent = a.counts.neverLess(s.Spent)
	return s
}

// neverLess returns the highest number of spent numbers seen: a block that leaves
// its shelf meanwhile is not counted, and a total must not fall.
func (c *counts) neverLess(spent int64) int64 {
	for {
		seen := c.spentSeen.Load()
		if spent <= seen || c.spentSeen.CompareAndSwap(seen, spent) {
			return max(seen, spent)
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
	for st := range s.stocks.all() {
		sum.Spent += st.spent()
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

// spent counts the numbers on the shelf that have a row.
func (s *shelf) spent() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.stocks.all() {
		n += st.spent()
	}
	return n
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
