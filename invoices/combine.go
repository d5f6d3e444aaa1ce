package invoices

import (
	"context"
	"slices"
	"sync"
	"time"
)

// combiner answers many questions of one kind with few: while some are being
// asked, those that come gather, and the one that has waited longest then asks
// for all of them, up to combineMax. It has no goroutine of its own. The zero
// combiner is ready.
type combiner[Q, A any] struct {
	mu      sync.Mutex // guards what follows; never held across I/O
	waiting []*question[Q, A]
	leading bool // one of the callers asks, or is told to
}

const combineMax = 500

// asker asks all questions at once and returns the answers in their order.
type asker[Q, A any] func(context.Context, []Q) ([]A, error)

type question[Q, A any] struct {
	q      Q
	answer A
	err    error
	turn   chan turn // has room for the one turn
}

type turn int

const (
	answered turn = iota
	lead          // ask for all who wait
)

// get returns the answer to q; ask is the same in all calls.
func (c *combiner[Q, A]) get(ctx context.Context, q Q, ask asker[Q, A]) (A, error) {
	me := &question[Q, A]{q: q, turn: make(chan turn, 1)}
	if c.join(me) {
		me.turn <- lead
	}
	select {
	case t := <-me.turn:
		if t == lead {
			c.askForAll(ctx, ask)
		}
		return me.answer, me.err
	case <-ctx.Done():
		c.leave(me)
		var none A
		return none, wrap("wait for an answer from Postgres", ctx.Err())
	}
}

// join queues me and reports whether it leads at once.
func (c *combiner[Q, A]) join(me *question[Q, A]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, me)
	first := !c.leading
	c.leading = true
	return first
}

// askForAll asks for the caller, who is first in the queue, and for those behind
// it; then it passes the lead on. Others wait for the answer, so
// it does not end with the caller's context.
func (c *combiner[Q, A]) askForAll(ctx context.Context, ask asker[Q, A]) {
	c.mu.Lock()
	n := min(len(c.waiting), combineMax)
	batch := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	c.mu.Unlock()
	questions := make([]Q, n)
	for i, b := range batch {
		questions[i] = b.q
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	answers, err := ask(ctx, questions)
	cancel()
	for i, b := range batch {
		if b.err = err; err == nil {
			b.answer = answers[i]
		}
		b.turn <- answered
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passOn()
}

// passOn makes the first who waits the next to lead. c.mu is held.
func (c *combiner[Q, A]) passOn() {
	if len(c.waiting) == 0 {
		c.leading = false
		return
	}
	c.waiting[0].turn <- lead
}

// leave takes me out of the queue; if it was to lead, another does.
func (c *combiner[Q, A]) leave(me *question[Q, A]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, me)
	if i < 0 {
		return // it is being asked for
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	select {
	case <-me.turn:
		c.passOn()
	default:
	}
}
