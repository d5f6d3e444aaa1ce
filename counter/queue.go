package counter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// patience is how long a caller waits through failures of the store before it is
// told that no number can be had now. It may always have less, by its context.
const patience = 5 * time.Second

// queue is what a shelf rarely needs.
type queue struct {
	waiters  []*waiter // in the order they came; not empty only while refilling
	calledIn int64     // blocks that begin at or below are to be handed back

	recalling bool // that is under way
}

// waiter is one caller without its numbers. Exactly one answer is sent to it, or
// it has left the queue.
type waiter struct {
	count  int64
	since  time.Time
	answer chan answer
}

type answer struct {
	numbers []Number
	err     error
}

// takeSlowly is take for whoever found the gate shut.
func (s *shelf) takeSlowly(ctx context.Context) (Number, error) {
	s.mu.Lock()
	n, ok := s.takeQuick() // somebody may have opened it meanwhile
	if !ok && s.advance() {
		n, ok = s.takeQuick()
	}
	if ok {
		s.mu.Unlock()
		return n, nil
	}
	now := time.Now()
	if s.over != notOver {
		defer s.mu.Unlock()
		return Number{}, s.over.err()
	}
	s.look(now)
	s.takes.add(now, 1)
	if !s.waiting() {
		if n, ok := s.takeNow(); ok {
			due := s.tend(now)
			s.mu.Unlock()
			if due {
				s.life.startRefill(s)
			}
			return n, nil
		}
	}
	w := s.enqueue(now, 1)
	s.mu.Unlock()
	s.life.startRefill(s)
	numbers, err := s.wait(ctx, w)
	if err != nil {
		return Number{}, err
	}
	return numbers[0], nil
}

// takeMany takes count numbers, all or none: those of one block if it has so
// many, else the lowest at hand.
func (s *shelf) takeMany(ctx context.Context, count int64) ([]Number, error) {
	now := time.Now()
	s.mu.Lock()
	if s.over != notOver {
		defer s.mu.Unlock()
		return nil, s.over.err()
	}
	s.look(now)
	s.takes.add(now, count)
	w := s.enqueue(now, count)
	s.serve()
	due := s.tend(now)
	waits := s.waiting()
	s.mu.Unlock()
	if due || waits {
		s.life.startRefill(s)
	}
	return s.wait(ctx, w)
}

func (s *shelf) waiting() bool { return s.queue != nil && len(s.queue.waiters) > 0 }

// enqueue adds a caller at the end of the queue. s.mu is held.
func (s *shelf) enqueue(now time.Time, count int64) *waiter {
	w := &waiter{count: count, since: now, answer: make(chan answer, 1)}
	s.rare().waiters = append(s.queue.waiters, w)
	s.waits++
	return w
}

func (s *shelf) rare() *queue {
	if s.queue == nil {
		s.queue = &queue{}
	}
	return s.queue
}

func (s *shelf) wait(ctx context.Context, w *waiter) ([]Number, error) {
	select {
	case a := <-w.answer:
		return a.numbers, a.err
	case <-ctx.Done():
	}
	if s.leave(w) {
		return nil, unavailable(s.series, context.Cause(ctx))
	}
	a := <-w.answer // it came at the same moment: it is not lost
	return a.numbers, a.err
}

// leave takes w out of the queue; false if it was answered already.
func (s *shelf) leave(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		return false
	}
	i := slices.Index(s.queue.waiters, w)
	if i < 0 {
		return false
	}
	s.queue.waiters = slices.Delete(s.queue.waiters, i, i+1)
	s.serve() // who came behind it may have wanted less
	s.tidyQueue()
	return true
}

// serve answers waiters in order while there are numbers. s.mu is held, the gate
// is shut.
func (s *shelf) serve() {
	for s.waiting() {
		w := s.queue.waiters[0]
		if s.left() < w.count {
			return
		}
		w.answer <- answer{numbers: s.gather(w.count)}
		s.queue.waiters = s.queue.waiters[1:]
	}
	s.tidyQueue()
}

// gather takes count numbers; left is at least so many. s.mu is held.
func (s *shelf) gather(count int64) []Number {
	from := s.choose()
	for st := range s.stocks.all() {
		if st.left() >= count && !st.returns() {
			from = st // contiguous
			break
		}
	}
	numbers := make([]Number, 0, count)
	for range count {
		if from == nil || from.left() == 0 {
			from = s.choose()
		}
		numbers = append(numbers, from.take())
	}
	return numbers
}

// dismiss sends everybody whom why gives an error away with it. s.mu is held.
func (s *shelf) dismiss(why func(*waiter) error) {
	if s.queue == nil {
		return
	}
	s.queue.waiters = slices.DeleteFunc(s.queue.waiters, func(w *waiter) bool {
		err := why(w)
		if err != nil {
			w.answer <- answer{err: err}
		}
		return err != nil
	})
	s.tidyQueue()
}

func (s *shelf) tidyQueue() {
	if s.queue != nil && len(s.queue.waiters) == 0 && s.queue.calledIn == 0 && !s.queue.recalling {
		s.queue = nil
	}
}

// trouble is told of each failed attempt of a refill: who has waited through
// failures for long enough is sent away. The refill itself goes on, one for all.
func (s *shelf) trouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = min(s.failed+1, 100)
	if errors.Is(err, ErrConflict) {
		return
	}
	before := time.Now().Add(-patience)
	s.dismiss(func(w *waiter) error {
		if w.since.After(before) {
			return nil
		}
		return fmt.Errorf("%s: no number after %s: %w: %w", s.series, patience, ErrUnavailable, err)
	})
}
