package invoices

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// scribe is one of the goroutines of a writer. It owns one connection.
type scribe struct {
	w     *Writer
	queue chan *entry
	dial  func(context.Context) (*line, error)
	line  *line  // nil: to be connected
	next  *entry // read from the queue, and not to be sent with the batch before
}

// run writes batches until the queue is closed and empty.
func (s *scribe) run() {
	defer s.hangUp()
	for {
		first, ok := s.first()
		if !ok {
			return
		}
		s.serve(first)
	}
}

// serve writes the batch that first begins.
func (s *scribe) serve(first *entry) {
	if !s.connected(first) {
		return
	}
	s.writeFrom(first)
}

// writeFrom gathers the batch that first begins and writes it. There is a connection.
func (s *scribe) writeFrom(first *entry) {
	if batch := s.gather(first); len(batch) > 0 {
		s.writeBatch(batch)
	}
}

// kept is the entry that was read and could not join the batch before; nil if none.
func (s *scribe) kept() *entry {
	e := s.next
	s.next = nil
	return e
}

// first waits for an entry.
func (s *scribe) first() (*entry, bool) {
	if e := s.kept(); e != nil {
		return e, true
	}
	e, ok := <-s.queue
	return s.received(e), ok
}

// received notes that e has left the queue; nil if that is closed and empty.
func (s *scribe) received(e *entry) *entry {
	if e != nil && s.queue == s.w.strict {
		s.w.strictRows.Add(-e.count())
	}
	return e
}

// connected sees to it that there is a connection before first is claimed, so
// that while Postgres is away whoever waits can still withdraw. After the
// writer's bound first is given up, and so is what waits behind it: certainly
// not written.
func (s *scribe) connected(first *entry) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.w.cfg.Bound)
	defer cancel()
	for try := 0; ; try++ {
		if first.state.Load() == withdrawn {
			return false
		}
		err := s.connect(ctx)
		if err == nil {
			return true
		}
		waits := errors.Is(err, ErrBehind) || errors.Is(err, ErrResuming) // for an operator
		if !waits {
			s.w.cfg.Log.Warn("no connection to write invoices", "failed", try+1, "error", err)
		}
		if waits || ctx.Err() != nil {
			s.turnAway(first, err)
			return false
		}
		pause(ctx, try)
	}
}

// turnAway answers first, and everything in the queue at this moment, with err.
func (s *scribe) turnAway(first *entry, err error) {
	e, open := first, true
	for n := len(s.queue); open; n-- {
		e.turnAway(err)
		if n <= 0 {
			return
		}
		select {
		case e, open = <-s.queue:
			e = s.received(e)
		default:
			return
		}
	}
}

// turnAway answers e, and what came with it, with err, unless its caller has left.
func (e *entry) turnAway(err error) {
	for one := range e.all() {
		if one.state.CompareAndSwap(waiting, withdrawn) {
			one.giveBack()
			one.finish(nil, err)
		}
	}
}

// connect sees to it that there is a connection, whose life is not over, and that it
// passed the gate in the era that was noted last.
func (s *scribe) connect(ctx context.Context) error {
	if s.line != nil && (stale(s.line.conn) || s.line.over()) {
		s.redial()
	}
	if s.line != nil {
		return nil
	}
	l, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.line = l
	return nil
}

// redial drops the connection: what is under way on it is not known.
func (s *scribe) redial() {
	if s.line != nil {
		s.line.drop()
		s.line = nil
	}
}

// hangUp gives the connection back.
func (s *scribe) hangUp() {
	if s.line != nil {
		s.line.keep()
		s.line = nil
	}
}

// gather claims first and what waits behind it, up to the size of a batch or
// the first entry that cannot join it. What was withdrawn is skipped.
func (s *scribe) gather(first *entry) []*entry {
	var batch []*entry
	var size int
	for e := first; ; {
		if len(batch) > 0 && !(e.joins(batch[0]) && len(batch)+1+len(e.with) <= batchMax) {
			s.next = e
			return batch
		}
		for one := range e.all() {
			if one.state.CompareAndSwap(waiting, sent) {
				batch = append(batch, one)
				size += len(one.content)
			}
		}
		if len(batch) >= batchMax || size >= batchSize {
			return batch
		}
		select {
		case more, ok := <-s.queue:
			if !ok {
				return batch
			}
			e = s.received(more)
		default:
			return batch
		}
	}
}

// count is how many rows e brings.
func (e *entry) count() int64 { return int64(1 + len(e.with)) }

// all are e and what is sent with it.
func (e *entry) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		if !yield(e) {
			return
		}
		for _, other := range e.with {
			if !yield(other) {
				return
			}
		}
	}
}

// joins reports whether e can be sent in one statement with other: both are of
// one holder, and a credit note goes alone.
func (e *entry) joins(other *entry) bool {
	return e.holder() == other.holder() && e.credit == nil && other.credit == nil
}

// pause waits before a repeat, twice as long each time up to half a second.
func pause(ctx context.Context, failed int) {
	d := min(5*time.Millisecond<<min(failed, 10), 500*time.Millisecond)
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
