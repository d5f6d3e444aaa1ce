package etcdstore_test

import (
	"strings"
	"testing"
	"time"
)

// told is one line of a written history: what a client asked and was told, from
// begun to ended. Those of unknown outcome have no end.
type told struct {
	begun, ended int64
	call         call
	reply        reply
}

func written(lines ...told) *history {
	h := &history{}
	for i, l := range lines {
		h.clock = l.ended - 1
		h.add(i, invoices, l.call, l.begun, l.reply)
	}
	return h
}

var (
	wasDone     = reply{outcome: done}
	hadConflict = reply{outcome: conflict}
	isUnknown   = reply{outcome: unknown}
)

// nothing is the ledger of a series never used.
const nothing = "mark 0 serial 0"

func swapped(old, next string) call { return call{kind: swap, old: old, next: next} }

func loaded(begun, ended int64, value string) told {
	return told{begun, ended, call{kind: load}, reply{outcome: done, value: value}}
}

func TestTheCheckerObjectsToWhatAStoreMustNeverDo(t *testing.T) {
	for name, h := range map[string]*history{
		"a swap is lost after it was acknowledged": written(
			told{1, 2, swapped(nothing, "a"), wasDone},
			loaded(3, 4, nothing)),
		"two swaps succeed from the same ledger": written(
			told{1, 3, swapped(nothing, "a"), wasDone},
			told{2, 4, swapped(nothing, "b"), wasDone}),
		"a ledger is read that nobody wrote": written(
			told{1, 2, swapped(nothing, "a"), wasDone},
			loaded(3, 4, "b")),
		"an old ledger is read": written(
			told{1, 2, swapped(nothing, "a"), wasDone},
			told{3, 4, swapped("a", "b"), wasDone},
			loaded(5, 6, "a")),
		"a swap told as a conflict took effect": written(
			told{1, 2, swapped(nothing, "a"), hadConflict},
			loaded(3, 4, "a")),
		"a conflict with the very ledger that is there": written(
			told{1, 2, swapped(nothing, "a"), wasDone},
			told{3, 4, swapped("a", "b"), hadConflict}),
		"a swap of unknown outcome takes effect twice": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, "a"),
			told{5, 6, swapped("a", nothing), wasDone},
			loaded(7, 8, "a")),
		"a swap of unknown outcome takes effect before it was sent": written(
			loaded(1, 2, "a"),
			told{3, 4, swapped(nothing, "a"), isUnknown}),
		"a swap of unknown outcome is seen and then not": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, "a"),
			loaded(5, 6, nothing)),
		"a swap of unknown outcome replaces another ledger than the one it named": written(
			told{1, 2, swapped(nothing, "a"), wasDone},
			told{3, 4, swapped(nothing, "b"), isUnknown},
			loaded(5, 6, "b")),
	} {
		t.Run(name, func(t *testing.T) {
			err := h.check(10 * time.Second)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), "not linearizable") || !strings.Contains(err.Error(), "none of these can come next") {
				t.Fatalf("objected without showing why: %v", err)
			}
		})
	}
}

func TestTheCheckerAcceptsWhatAStoreMayDo(t *testing.T) {
	for name, h := range map[string]*history{
		"a swap of unknown outcome takes effect at once": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, "a")),
		"a swap of unknown outcome takes effect later": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, nothing),
			loaded(5, 6, nothing),
			loaded(7, 8, "a")),
		"a swap of unknown outcome never takes effect": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, nothing),
			told{5, 6, swapped(nothing, "b"), wasDone},
			loaded(7, 8, "b")),
		"a swap of unknown outcome comes to nothing although it could": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			loaded(3, 4, nothing)),
		"a repeat meets its first, which had taken effect": written(
			told{1, 2, swapped(nothing, "a"), isUnknown},
			told{3, 4, swapped(nothing, "a"), hadConflict},
			loaded(5, 6, "a")),
		"calls at the same time are in either order": written(
			told{1, 6, swapped(nothing, "a"), wasDone},
			loaded(2, 3, nothing),
			loaded(4, 5, "a"),
			told{2, 5, swapped(nothing, "b"), hadConflict}),
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.check(10 * time.Second); err != nil {
				t.Fatal(err)
			}
		})
	}
}
