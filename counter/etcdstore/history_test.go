package etcdstore_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/anishathalye/porcupine"

	"folio/counter"
)

type kind string

const (
	load kind = "load"
	swap kind = "swap"
	rest kind = "rest" // the end of the history, see history.of
)

// call is what a client asked of one series. Ledgers stand in it as the text
// that textOf gives.
type call struct {
	kind      kind
	old, next string // of a swap
}

type outcome string

const (
	done     outcome = "done"
	conflict outcome = "conflict"
	unknown  outcome = "unknown"
)

// reply is what the client was told.
type reply struct {
	outcome outcome
	value   string // of a load
}

// The end of time: what nobody knows to have ended, ends after the rest.
const (
	restBegins int64 = math.MaxInt64 - 2
	restEnds   int64 = math.MaxInt64 - 1
	never      int64 = math.MaxInt64
)

// history is what all clients did and saw, each series for itself. The zero
// history is empty.
type history struct {
	mu    sync.Mutex
	clock int64
	all   map[counter.Series][]porcupine.Operation
}

// now is before everything that is asked for later, and after everything that
// was asked for before.
func (h *history) now() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	return h.clock
}

// add notes a call that began at begun and has ended just now. A call whose
// outcome is unknown has not ended: it may take effect at any time from begun on.
func (h *history) add(client int, s counter.Series, c call, begun int64, r reply) {
	ended := h.now()
	if r.outcome == unknown {
		ended = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[counter.Series][]porcupine.Operation)
	}
	h.all[s] = append(h.all[s], porcupine.Operation{ClientId: client, Input: c, Call: begun, Output: r, Return: ended})
}

// series returns the series that were used, in order.
func (h *history) series() []counter.Series {
	all := slices.Collect(maps.Keys(h.all))
	slices.SortFunc(all, func(a, b counter.Series) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// of returns the operations of s and, behind all that ended, one that stands for
// the end: a swap of unknown outcome that came to nothing is placed behind it.
// Without that the checker would have to try such a swap everywhere.
func (h *history) of(s counter.Series) []porcupine.Operation {
	end := porcupine.Operation{ClientId: -1, Input: call{kind: rest}, Call: restBegins, Output: reply{outcome: done}, Return: restEnds}
	return append(slices.Clone(h.all[s]), end)
}

// count returns how many operations of a kind had an outcome.
func (h *history) count(k kind, o outcome) (n int) {
	for _, ops := range h.all {
		for _, op := range ops {
			if op.Input.(call).kind == k && op.Output.(reply).outcome == o {
				n++
			}
		}
	}
	return n
}

// unknowns tells of the swaps of unknown outcome how many certainly took effect
// (their ledger was seen, and no swap that is known to be done explains it) and
// of how many nothing was ever seen.
func (h *history) unknowns() (effective, unseen int) {
	for _, ops := range h.all {
		seen, explained := seenIn(ops)
		for _, op := range ops {
			next := op.Input.(call).next
			switch {
			case op.Output.(reply).outcome != unknown:
			case !seen[next]:
				unseen++
			case !explained[next]:
				explained[next] = true // by this one, or by its repeat: one of them
				effective++
			}
		}
	}
	return effective, unseen
}

// seenIn returns the ledgers that somebody loaded or replaced, and those that a
// swap known to be done wrote.
func seenIn(ops []porcupine.Operation) (seen, explained map[string]bool) {
	seen, explained = make(map[string]bool), make(map[string]bool)
	for _, op := range ops {
		switch c, r := op.Input.(call), op.Output.(reply); {
		case c.kind == load:
			seen[r.value] = true
		case r.outcome == done:
			seen[c.old], explained[c.next] = true, true
		}
	}
	return seen, explained
}

// textOf is a ledger as the checker compares it and as people read it. It leaves
// out what the clients here do not set: eras and times.
func textOf(l counter.Ledger) string {
	var b strings.Builder
	fmt.Fprintf(&b, "mark %d serial %d", l.Mark, l.Serial)
	for _, block := range l.Held {
		fmt.Fprintf(&b, " #%d:%d-%d@%s", block.Serial, block.First, block.Last, block.Holder)
	}
	for _, f := range l.Free {
		fmt.Fprintf(&b, " free:%d-%d", f.First, f.Last)
	}
	return b.String()
}
