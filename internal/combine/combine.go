// Package combine asks many questions of one kind with few. While some are being
// asked, those that come gather, and whoever has waited longest then asks for all of
// them. Nobody waits who comes alone.
package combine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrLeft: the caller's context ended before it had an answer. Its question may have
// been asked.
var ErrLeft = errors.New("gave up waiting")

// Group gathers questions. The zero Group is ready.
type Group[Q, A any] struct {
	mu      sync.Mutex // guards what follows; never held across I/O
	waiting []*member[Q, A]
	leading int // flights, and callers told to lead one; fewer than may be only if nobody waits
}

// Asker is how the questions of a group are asked, the same in all its calls.
type Asker[Q, A any] struct {
	// Ask asks all at once and returns the answers in their order. An error is the
	// answer to each. The context of one who came alone is its own; that of several
	// ends when nobody waits any more, at the latest with the last of their deadlines.
	Ask func(ctx context.Context, all []Q) ([]A, error)

	Flights int // how many times it is called side by side; 0: 1
	Most    int // questions at once; 0: 500

	// Patience is how long one waits for a flight to end, at most: then it asks for all
	// who wait, however many flights are under way. So answers that do not come hold up
	// nobody for longer. 0: for ever.
	Patience time.Duration

	// Room makes a judge for each call: it is told one question after the other, and
	// says which go together with those it said yes to before. The first goes
	// whatever it says; others wait for the next call. nil: all go.
	Room func() func(Q) bool
}

func (a Asker[Q, A]) flights() int { return max(a.Flights, 1) }

func (a Asker[Q, A]) judge() func(Q) bool {
	if a.Room == nil {
		return func(Q) bool { return true }
	}
	return a.Room()
}

// member is a question of one caller.
type member[Q, A any] struct {
	ctx    context.Context
	q      Q
	answer A
	err    error
	turn   chan turn // has room for the one turn
	flight *flight   // nil until it is asked with others
}

type turn int

const (
	answered turn = iota
	lead          // ask for all who wait
)

// Get returns the answer to q, which is asked after Get was called, and at most once.
func (g *Group[Q, A]) Get(ctx context.Context, q Q, by Asker[Q, A]) (A, error) {
	me := &member[Q, A]{ctx: ctx, q: q, turn: make(chan turn, 1)}
	leads := g.join(me, by.flights())
	var impatient <-chan time.Time
	if !leads && by.Patience > 0 {
		timer := time.NewTimer(by.Patience)
		defer timer.Stop()
		impatient = timer.C
	}
	for {
		if leads {
			batch := g.gather(me, by)
			if len(batch) == 1 {
				return g.askAlone(me, by)
			}
			go g.askForAll(me.flight, batch, by) // waited for by those who board it
		}
		select {
		case t := <-me.turn:
			if leads = t == lead; !leads {
				return me.answer, me.err
			}
		case <-impatient:
			leads = g.push(me)
		case <-ctx.Done():
			g.leave(me, by)
			var none A
			return none, fmt.Errorf("%w: %w", ErrLeft, ctx.Err())
		}
	}
}

// Waiting returns how many callers wait to be asked for.
func (g *Group[Q, A]) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// join reports whether me leads at once; else it waits.
func (g *Group[Q, A]) join(me *member[Q, A], flights int) (leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leading < flights {
		g.leading++
		return true
	}
	g.waiting = append(g.waiting, me)
	return false
}

// push makes me lead a flight beside the others, if it waits still.
func (g *Group[Q, A]) push(me *member[Q, A]) (leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.unqueue(me) {
		return false
	}
	g.leading++
	return true
}

// unqueue takes me out of the queue, if it is in it. g.mu is held.
func (g *Group[Q, A]) unqueue(me *member[Q, A]) bool {
	i := slices.Index(g.waiting, me)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// gather takes out of the queue who is asked for together with me.
func (g *Group[Q, A]) gather(me *member[Q, A], by Asker[Q, A]) []*member[Q, A] {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch, most, fits := []*member[Q, A]{me}, by.Most, by.judge()
	if most == 0 {
		most = 500
	}
	fits(me.q)
	g.waiting = slices.DeleteFunc(g.waiting, func(m *member[Q, A]) bool {
		goes := len(batch) < most && fits(m.q)
		if goes {
			batch = append(batch, m)
		}
		return goes
	})
	if len(batch) > 1 {
		takeOff(batch)
	}
	return batch
}

func (g *Group[Q, A]) askAlone(me *member[Q, A], by Asker[Q, A]) (answer A, err error) {
	defer g.passOn(by)
	answers, err := by.Ask(me.ctx, []Q{me.q})
	if err == nil {
		answer = answers[0]
	}
	return answer, err
}
