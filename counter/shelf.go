package counter

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// shelf is what one life has of one series. Numbers are taken from it in
// ascending order; whoever finds it empty waits in a queue for the one refill
// that runs at a time.
type shelf struct {
	life   *life
	series Series

	mu        sync.Mutex // never held across I/O
	stocks    []*stock   // ascending by first number
	leaving   []*stock   // to be handed back: nothing is taken from them any more
	waiting   []*waiter  // in the order they came; not empty only while refilling
	refilling bool
	over      error // set when this shelf gives no more numbers: why
	takes     meter
	size      int64         // of the block reserved last
	refill    time.Duration // how long the last refill took
	lastTake  time.Time
	floored   bool // the owner's floor is known to be below the mark
}

// waiter is one caller without a number. Exactly one answer is sent to it, or
// it has left the queue.
type waiter struct {
	answer chan answer
}

type answer struct {
	number Number
	err    error
}

// take returns the lowest number on the shelf, waiting for a refill if there is
// none. errOver means: this shelf is closed, ask the next.
func (s *shelf) take(ctx context.Context) (Number, error) {
	s.mu.Lock()
	if s.over != nil {
		defer s.mu.Unlock()
		return Number{}, s.over
	}
	now := time.Now()
	s.takes.add(now, 1)
	s.lastTake = now
	if n, ok := s.takeNow(); ok {
		refill := s.wantsRefill(now)
		s.mu.Unlock()
		if refill {
			s.life.startRefill(s)
		}
		return n, nil
	}
	w := &waiter{answer: make(chan answer, 1)}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	s.life.startRefill(s)
	return s.wait(ctx, w)
}

func (s *shelf) wait(ctx context.Context, w *waiter) (Number, error) {
	select {
	case a := <-w.answer:
		return a.number, a.err
	case <-ctx.Done():
	}
	if s.leave(w) {
		return Number{}, unavailable(s.series, context.Cause(ctx))
	}
	// The answer came at the same moment: it is not lost.
	a := <-w.answer
	if a.err == nil {
		return a.number, nil
	}
	return Number{}, a.err
}

// leave takes w out of the queue; false if it was answered already.
func (s *shelf) leave(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, w)
	if i < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return true
}

// takeNow takes from the lowest stock that has a number left. s.mu is held.
func (s *shelf) takeNow() (Number, bool) {
	for _, st := range s.stocks {
		if st.left() > 0 {
			return st.take(), true
		}
	}
	return Number{}, false
}

// wantsRefill reports whether what is left of a busy series lasts less than ten
// refills. A quiet series never fetches ahead: its next number belongs to
// whichever replica is asked next. s.mu is held.
func (s *shelf) wantsRefill(now time.Time) bool {
	if s.refilling {
		return false
	}
	seen := s.takes.demand(now)
	return s.left() < Ahead(seen, s.refill)
}

func (s *shelf) left() (n int64) {
	for _, st := range s.stocks {
		n += st.left()
	}
	return n
}

// mark notes what became of n.
func (s *shelf) mark(n Number, f fate) {
	s.mu.Lock()
	moved := n.from.set(n.value, f)
	s.mu.Unlock()
	if moved {
		s.life.count(f)
	}
}

// giveBack puts n first in its block, or gives it to who has waited longest.
func (s *shelf) giveBack(n Number) {
	s.mu.Lock()
	moved := n.from.giveBack(n.value)
	s.serve()
	s.mu.Unlock()
	if moved {
		s.life.count(returned)
	}
}

// serve answers waiters in order while there are numbers. s.mu is held.
func (s *shelf) serve() {
	for len(s.waiting) > 0 {
		n, ok := s.takeNow()
		if !ok {
			return
		}
		s.waiting[0].answer <- answer{number: n}
		s.waiting = s.waiting[1:]
	}
}

// put adds a block that is known to be reserved and drops those that left the
// ledger with it.
func (s *shelf) put(b Block, gone []*stock, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeStocks(gone)
	s.refill = took
	i, _ := slices.BinarySearchFunc(s.stocks, b.First, func(st *stock, first int64) int {
		return cmp.Compare(st.First, first)
	})
	s.stocks = slices.Insert(s.stocks, i, newStock(b, s))
	s.serve()
}

// removeStocks forgets blocks that have left the ledger. s.mu is held.
func (s *shelf) removeStocks(gone []*stock) {
	isGone := func(st *stock) bool { return slices.Contains(gone, st) }
	s.stocks = slices.DeleteFunc(s.stocks, isGone)
	s.leaving = slices.DeleteFunc(s.leaving, isGone)
}

// plan says what the next refill is to reserve, and which blocks can leave.
func (s *shelf) plan(now time.Time) (size int64, drained []*stock, floored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size = NextSize(s.size, s.takes.demand(now), Bounds{})
	for _, st := range s.stocks {
		if st.drained() {
			drained = append(drained, st)
		}
	}
	return s.size, drained, s.floored
}

// wanted reports whether anybody waits for a number.
func (s *shelf) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 && s.over == nil
}

// refilled ends the refill, unless somebody waits: then it reports false.
func (s *shelf) refilled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 && s.over == nil {
		return false
	}
	s.refilling = false
	return true
}

// begin claims the one refill that runs at a time.
func (s *shelf) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refilling || s.over != nil {
		return false
	}
	s.refilling = true
	return true
}

// fail answers everybody who waits with err and ends the refill.
func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refilling = false
	for _, w := range s.waiting {
		w.answer <- answer{err: err}
	}
	s.waiting = nil
}

// close ends the shelf: err is the answer to everybody who waits or comes.
func (s *shelf) close(err error) {
	s.mu.Lock()
	s.over = err
	s.mu.Unlock()
	s.fail(err)
}
