package model

import (
	"context"
	"time"
)

// Result is what an exploration found.
type Result struct {
	Config  Config
	States  int // different states reached
	Depth   int // of the last level that was reached
	Ledgers int // different ledgers reached
	Took    time.Duration

	Exhausted bool     // every state was reached
	Breach    string   // the promise that was broken; "" if none was
	History   []string // the shortest way to it, one line per step

	happened [verbCount]bool
}

// origin tells how a state was first reached: from which, by which of its steps.
type origin struct {
	parent uint32
	step   uint16
}

// explorer searches one world.
type explorer struct {
	m       *machine
	seen    *visited
	origins []origin
	level   []indexed // the states of one depth
	next    []indexed
	limit   int

	from  uint32
	step  uint16
	found breach

	happened [verbCount]bool
}

type indexed struct {
	state
	index uint32
}

// Explore visits the states of cfg in the order of their distance from the
// beginning, until a promise is broken, all are visited, limit states are known
// (0: no limit), or ctx ends.
func Explore(ctx context.Context, cfg Config, limit int) Result {
	start := time.Now()
	e := &explorer{m: &machine{cfg: cfg, books: newBooks()}, seen: newVisited(), limit: limit}
	e.m.emit = e.reached
	e.reached(e.m.initial(), Step{})
	r := Result{Config: cfg, Exhausted: true}
	for len(e.next) > 0 && e.found == none {
		e.level, e.next = e.next, e.level[:0]
		if !e.expand(ctx) {
			r.Exhausted = false
			break
		}
		r.Depth++
	}
	r.happened = e.happened
	r.States, r.Ledgers = len(e.origins), len(e.m.books.ledgers)
	if e.found != none {
		r.Exhausted = false
		r.Breach, r.History = e.found.String(), e.history()
	}
	r.Took = time.Since(start)
	return r
}

// expand visits the successors of one level; false: stopped before its end.
func (e *explorer) expand(ctx context.Context) bool {
	for i := range e.level {
		if i%1024 == 0 && ctx.Err() != nil || e.limit > 0 && len(e.origins) >= e.limit {
			return false
		}
		e.from, e.step = e.level[i].index, 0
		e.m.successors(e.level[i].state)
		if e.found != none {
			return true
		}
	}
	return true
}

// reached takes note of a state.
func (e *explorer) reached(s state, what Step) {
	step := e.step
	e.step++
	e.happened[what.verb] = true
	if e.found != none || !e.seen.add(s) {
		return
	}
	index := uint32(len(e.origins))
	e.origins = append(e.origins, origin{parent: e.from, step: step})
	e.next = append(e.next, indexed{state: s, index: index})
	e.found = s.breach
}
