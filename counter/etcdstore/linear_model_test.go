package etcdstore_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"folio/counter"
)

// state is one ledger, as the store should keep it.
type state struct {
	ledger string
	over   bool // the history has ended: nothing takes effect any more
}

// ledgerModel is the contract of counter.Store for one series: a load returns
// the present ledger; a swap that is done replaced it; one in conflict did not,
// and the ledger was another; one of unknown outcome did one or the other.
func ledgerModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{ledger: textOf(counter.Ledger{})} },
		Step: func(s, input, output any) (bool, any) { return step(s.(state), input.(call), output.(reply)) },
	}
}

func step(s state, c call, r reply) (bool, state) {
	switch {
	case c.kind == rest:
		return true, state{ledger: s.ledger, over: true}
	case s.over:
		return r.outcome == unknown, s // it came to nothing
	case c.kind == load:
		return s.ledger == r.value, s
	case r.outcome == conflict:
		return s.ledger != c.old, s
	}
	return s.ledger == c.old, state{ledger: c.next}
}

// check returns nil if the history is linearizable, else an error that shows
// what cannot be.
func (h *history) check(timeout time.Duration) error {
	for _, s := range h.series() {
		ops := h.of(s)
		switch porcupine.CheckOperationsTimeout(ledgerModel(), ops, timeout) {
		case porcupine.Illegal:
			return fmt.Errorf("the history of %s is not linearizable:\n%s", s, explain(ops, timeout))
		case porcupine.Unknown:
			return fmt.Errorf("whether the history of %s (%d operations) is linearizable was not found out in %s", s, len(ops), timeout)
		}
	}
	return nil
}

// explain shows a history that is not linearizable: as much of it as can be put
// in an order, and what then remains, in the order in which it began.
func explain(ops []porcupine.Operation, timeout time.Duration) string {
	_, info := porcupine.CheckOperationsVerbose(ledgerModel(), ops, timeout)
	var longest []porcupine.Operation
	for _, partial := range info.PartialLinearizationsOperations()[0] {
		if len(partial) > len(longest) {
			longest = partial
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "this much can be put in order (%d of %d operations):\n", len(longest), len(ops))
	placed := make(map[string]bool)
	for _, op := range longest {
		placed[line(op)] = true
		fmt.Fprintln(&b, "  ", line(op))
	}
	left := slices.DeleteFunc(slices.Clone(ops), func(op porcupine.Operation) bool { return placed[line(op)] })
	slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	explainRest(&b, left)
	return b.String()
}

// explainRest shows first what would have to come next: all that began before
// any of the rest had ended.
func explainRest(b *strings.Builder, left []porcupine.Operation) {
	ended := never
	for _, op := range left {
		ended = min(ended, op.Return)
	}
	fmt.Fprintln(b, "after that none of these can come next:")
	later := false
	for _, op := range left {
		if !later && op.Call > ended {
			fmt.Fprintln(b, "these came later:")
			later = true
		}
		fmt.Fprintln(b, "  ", line(op))
	}
}

// line is one operation in words.
func line(op porcupine.Operation) string {
	ended := fmt.Sprint(op.Return)
	if op.Return >= restBegins {
		ended = "…"
	}
	c, r := op.Input.(call), op.Output.(reply)
	switch c.kind {
	case rest:
		return "the end"
	case load:
		return fmt.Sprintf("client %d  %d–%s  load: (%s)", op.ClientId, op.Call, ended, r.value)
	}
	return fmt.Sprintf("client %d  %d–%s  swap (%s) by (%s): %s", op.ClientId, op.Call, ended, c.old, c.next, r.outcome)
}
