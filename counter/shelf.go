package counter

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// shelf is what one life has of one series. Numbers are taken from it in
// ascending order; whoever finds it empty waits in a queue for the one refill
// that runs at a time.
//
// A busy series is taken from by way of quick, without the mutex, as far as the
// gate is open. At the end of a strip somebody goes on to the next; after about a
// second, or when a refill is due, somebody looks at the clock, tends the shelf and
// opens the gate anew. While quick is set the queue is empty.
type shelf struct {
	life  *life
	chain *shelf                // the next in its place of the table
	quick atomic.Pointer[strip] // whose gate is open

	mu        sync.Mutex // guards what follows; never held across I/O
	spare     int32      // numbers that may be taken before the next look, beyond the gate
	through   int32      // taken through gates that were shut since the last look
	stocks    stocks
	looked    uint32 // the Unix second in which takes was brought up to date
	over      over
	refilling bool
	floored   bool   // the owner's floor is known to be below the mark
	failed    uint8  // refills that failed one after the other
	queue     *queue // nil if nobody waits and nothing is called in

	// What leads from one strip to the next is above: one cache line.
	size      int32  // of the block reserved last
	refill    uint32 // how long the last refill took, in microseconds
	emptyTo   uint32 // no refill ahead before this Unix second: the series is exhausted
	waits     uint32 // takes that had to wait
	conflicts uint32
	unknown   uint32
	takes     meter // of the last ten seconds
	mark      int64 // of the ledger, as last seen

	series Series // does not change
}

// over says why a shelf gives no more numbers.
type over uint8

const (
	notOver  over = iota
	lifeOver      // its life has ended, or it was put away: ask for the present one
	stopped       // the allocator has been stopped
)

func (o over) err() error { return [...]error{nil, errOver, ErrClosed}[o] }

// takeQuick takes a number by way of the gate, if that is open.
func (s *shelf) takeQuick() (Number, bool) {
	if open := s.quick.Load(); open != nil {
		return open.take()
	}
	return Number{}, false
}

// look shuts the gate and counts what was taken without a look. Before anything
// else is done with the stocks, they are looked at. s.mu is held.
func (s *shelf) look(now time.Time) {
	if open := s.quick.Load(); open != nil {
		s.quick.Store(nil)
		s.through += int32(open.from.shut(open))
	}
	if s.through > 0 {
		s.takes.spread(s.looked, now, int64(s.through))
	}
	s.looked, s.through, s.spare = second(now), 0, 0
}

// tend opens the gate of the lowest stock and reports whether a refill is due.
// s.mu is held and the gate is shut.
func (s *shelf) tend(now time.Time) (due bool) {
	seen := s.takes.demand(now)
	spare := s.left() - Ahead(seen, s.lastRefill())
	due = spare < 0 && !s.refilling && second(now) >= s.emptyTo
	st := s.choose()
	if st == nil || st.returns() || s.waiting() || seen.quiet() || s.over != notOver {
		return due
	}
	most := min(max(1, int64(seen.PerSecond())), maxBlock)
	if spare > 0 {
		most = min(most, spare)
	}
	s.spare = int32(most)
	s.openUp(st)
	return due
}

// openUp opens the gate of st, as far as the strip goes and the shelf may be taken
// from without a look. s.mu is held and the gate is shut.
func (s *shelf) openUp(st *stock) {
	open, count := st.openUp(int64(s.spare))
	s.spare -= int32(count)
	s.quick.Store(open)
}

// advance goes on to the next strip, if that needs no look. It is most of what a
// fast series costs beyond its gate. s.mu is held.
func (s *shelf) advance() bool {
	open := s.quick.Load()
	if open == nil || s.spare == 0 {
		return false
	}
	st := open.from
	s.through += int32(st.shut(open))
	st.dropSpent()
	if int64(st.next) == st.Len() {
		s.quick.Store(nil)
		return false
	}
	s.openUp(st)
	return true
}

func (s *shelf) lastRefill() time.Duration { return time.Duration(s.refill) * time.Microsecond }

func second(t time.Time) uint32 { return uint32(t.Unix()) }

// choose returns the lowest stock that has a number left; nil if none has.
// s.mu is held.
func (s *shelf) choose() *stock {
	for st := range s.stocks.all() {
		if st.left() > 0 {
			return st
		}
	}
	return nil
}

// takeNow takes the lowest number at hand. s.mu is held, the gate is shut.
func (s *shelf) takeNow() (Number, bool) {
	st := s.choose()
	if st == nil {
		return Number{}, false
	}
	return st.take(), true
}

// left returns how many numbers can be taken. s.mu is held; it is exact while
// the gate is shut.
func (s *shelf) left() (n int64) {
	for st := range s.stocks.all() {
		n += st.left()
	}
	return n
}

// giveBack puts n first in its block, or gives it to who has waited longest.
func (s *shelf) giveBack(n Number, proven bool) {
	s.mu.Lock()
	now := time.Now()
	s.look(now)
	moved := n.on.from.giveBack(n, proven)
	s.serve()
	s.tend(now)
	s.mu.Unlock()
	if moved {
		s.life.a.counts.returned.Add(1)
	}
}

// put adds a block that is known to be reserved, drops those that left the
// ledger with it, and reports whether it was called in meanwhile.
func (s *shelf) put(b Block, gone []*stock, mark int64, took time.Duration) (calledIn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	s.remove(gone)
	s.refill = uint32(min(took.Microseconds(), math.MaxUint32))
	s.mark, s.failed = max(s.mark, mark), 0
	st := newStock(b, s)
	s.stocks.insert(st)
	st.leaving = s.queue != nil && b.First <= s.queue.calledIn
	s.serve()
	s.tend(now)
	return st.leaving
}

// remove forgets stocks that have left the ledger. s.mu is held, the gate is shut.
func (s *shelf) remove(gone []*stock) {
	if len(gone) == 0 {
		return
	}
	s.stocks.remove(func(st *stock) bool {
		if !slices.Contains(gone, st) {
			return false
		}
		s.life.a.counts.left(st.taken(), st.spent())
		return true
	})
}

// close ends the shelf: everybody who waits or comes is told why.
func (s *shelf) close(why over) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(time.Now())
	s.over = why
	s.dismiss(func(*waiter) error { return why.err() })
}
