package counter

import (
	"context"
	"errors"
	"time"
)

// exhaustedFor is how long no refill ahead is tried after a series was found
// exhausted. Somebody who waits is another matter.
const exhaustedFor = 10 * time.Second

// startRefill refills s unless that is under way.
func (l *life) startRefill(s *shelf) {
	if !s.beginRefill() {
		return
	}
	if !l.spawn(func() { l.refillShelf(s) }) {
		return // the shelf is about to be closed, which answers who waits
	}
}

// refillShelf reserves blocks until nobody waits. What can be cured by waiting is
// tried again, ever more slowly, for as long as somebody waits.
func (l *life) refillShelf(s *shelf) {
	for pause(l.ctx, s.failures()) == nil {
		err := l.reserve(s)
		switch {
		case err == nil:
		case errors.Is(err, ErrLost):
			l.lose() // the shelf is closed with the life
			return
		case l.ctx.Err() != nil:
			return
		case errors.Is(err, ErrUnavailable): // told, and counted, by each attempt
		default:
			l.giveUpRefill(s, err)
			return
		}
		if s.refilled() {
			return
		}
	}
}

// giveUpRefill tells those who wait that waiting is no use.
func (l *life) giveUpRefill(s *shelf, err error) {
	if !errors.Is(err, ErrExhausted) {
		l.a.log().Error("no block reserved", "series", s.series.String(), "holder", l.holder.Name, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	s.refilling = false
	s.emptyTo = second(now.Add(exhaustedFor))
	// One who wanted many may stand before others who are content with less.
	for s.waiting() {
		s.queue.waiters[0].answer <- answer{err: err}
		s.queue.waiters = s.queue.waiters[1:]
		s.serve()
	}
	s.tidyQueue()
	s.tend(now)
}

// beginRefill claims the one refill that runs at a time.
func (s *shelf) beginRefill() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refilling || s.over != notOver {
		return false
	}
	s.refilling = true
	return true
}

// claimRefill waits until no refill runs, and then stands for the one.
func (s *shelf) claimRefill(ctx context.Context) error {
	for try := 0; ; try++ {
		if err := pause(ctx, try); err != nil {
			return err
		}
		if s.beginRefill() {
			return nil
		}
		if s.closed() {
			return ErrLost
		}
	}
}

// refilled ends the refill, unless somebody waits: then it reports false.
func (s *shelf) refilled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting() && s.over == notOver {
		return false
	}
	s.refilling = false
	return true
}

// failures is how many attempts failed one after the other.
func (s *shelf) failures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.failed)
}

// wanted reports whether anybody waits for a number.
func (s *shelf) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting() && s.over == notOver
}

// order is what a refill asks of the ledger.
type order struct {
	size    int64
	drained []*stock // blocks that can leave the ledger
	floored bool
	failed  int   // attempts that failed so far
	seen    int64 // the highest mark seen
}

// plan says what the next refill is to reserve.
func (s *shelf) plan(now time.Time, b Bounds) order {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(now)
	if s.queue != nil {
		s.queue.calledIn = 0 // what is called in from now on, not what was, meets this block
	}
	size := NextSize(int64(s.size), s.takes.demand(now), b)
	s.size = int32(size)
	o := order{size: max(size, s.batchWanted()), floored: s.floored, failed: int(s.failed), seen: s.mark}
	for st := range s.stocks.all() {
		if st.drained() {
			o.drained = append(o.drained, st)
		}
	}
	s.tend(now)
	return o
}

// batchWanted is what the first in the queue lacks if it wants several numbers at
// once: these are no guess, so they need not grow fourfold from block to block.
func (s *shelf) batchWanted() int64 {
	if !s.waiting() || s.queue.waiters[0].count == 1 {
		return 0
	}
	return s.queue.waiters[0].count
}
