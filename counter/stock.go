package counter

import (
	"slices"
	"time"
)

// stock is a block on a shelf, and what became of its numbers so far. Marks and
// gates are atomic; the rest is guarded by the mutex of its shelf.
type stock struct {
	shelf  *shelf
	serial int64
	Range
	at      int64 // when it was reserved, in Unix nanoseconds
	strips  []strip
	next    int64  // numbers taken in ascending order; exact while shut
	spentTo uint32 // all strips before this one are spent
	after   *stock // the next on its shelf
	surplus uint8  // looks in a row that found its shelf with more than it needs
	leaving bool   // nothing is taken from it any more: it is on its way out
	again   *again // nil if no number of it was ever given back
}

// again is what a stock knows of numbers that were given back.
type again struct {
	back  []place          // can be taken, ascending; they go first
	turns map[place]uint32 // how often each was given back
}

func newStock(b Block, s *shelf) *stock {
	st := &stock{
		shelf: s, serial: b.Serial, Range: b.Range, at: b.At.UnixNano(),
		strips: make([]strip, (b.Len()+perStrip-1)/perStrip),
	}
	for i := range st.strips {
		st.strips[i].from = st
	}
	return st
}

// Block returns the block as it stands in the ledger.
func (st *stock) Block() Block {
	l := st.shelf.life
	return Block{Serial: st.serial, Range: st.Range, Holder: l.holder.Name, Era: l.era, At: time.Unix(0, st.at).UTC()}
}

// is reports whether b is this block.
func (st *stock) is(b Block) bool {
	return st.serial == b.Serial && st.Range == b.Range && st.shelf.life.holder.Name == b.Holder
}

// openUp lets up to n numbers be taken by way of the gate it returns, as many as
// the strip has, and says how many.
func (st *stock) openUp(n int64) (open *strip, count int64) {
	p := placeOf(st.next)
	most := min(n, perStrip-int64(p.index()), st.Len()-st.next)
	open = st.strip(p)
	open.open(p.strip(), p.index(), p.index()+uint32(most))
	return open, most
}

// shut closes the gate of s, which openUp opened last, and returns how many
// numbers were taken through it.
func (st *stock) shut(s *strip) (taken int64) {
	taken = int64(s.shut()) - st.next%perStrip
	st.next += taken
	return taken
}

// throughGate returns how many numbers were taken through the open gate so far.
func (st *stock) throughGate(s *strip) int64 {
	return int64(reached(s.gate.Load())) - st.next%perStrip
}

func (st *stock) strip(p place) *strip { return &st.strips[p.strip()] }

// left returns how many numbers can be taken; it is exact while shut.
func (st *stock) left() int64 {
	if st.leaving {
		return 0
	}
	n := st.Len() - st.next
	if st.again != nil {
		n += int64(len(st.again.back))
	}
	return n
}

// take gives the lowest number that can be taken; left is at least 1, the gate
// is shut.
func (st *stock) take() Number {
	if st.again != nil && len(st.again.back) > 0 {
		p := st.again.back[0]
		st.again.back = st.again.back[1:]
		return Number{on: st.strip(p), at: p, turn: st.again.turns[p]}
	}
	p := placeOf(st.next)
	st.next++
	return Number{on: st.strip(p), at: p}
}

// returns reports whether numbers that were given back wait to be taken.
func (st *stock) returns() bool { return st.again != nil && len(st.again.back) > 0 }

// giveBack takes n among the numbers that go first, unless its turn is over or
// its fate is another.
func (st *stock) giveBack(n Number) bool {
	if !st.mine(n) || !n.on.mark(n.at.index(), back, spent|doubtful) {
		return false
	}
	if st.again == nil {
		st.again = &again{turns: make(map[place]uint32)}
	}
	st.again.turns[n.at] = n.turn + 1
	i, _ := slices.BinarySearch(st.again.back, n.at)
	st.again.back = slices.Insert(st.again.back, i, n.at)
	return true
}

// mine reports whether n is still its taker's: a number that was given back is
// no more, even if somebody else has it now.
func (st *stock) mine(n Number) bool {
	if n.turn == 0 {
		return n.on.of(n.at.index())&back == 0
	}
	return st.again.turns[n.at] == n.turn
}

// drained reports whether every number is spent: then the block may leave the
// ledger. That all are taken is not enough.
func (st *stock) drained() bool {
	for ; int(st.spentTo) < len(st.strips); st.spentTo++ {
		whole := min(perStrip, st.Len()-int64(st.spentTo)*perStrip)
		if int64(st.strips[st.spentTo].spent()) < whole {
			return false
		}
	}
	return true
}

// spent counts the numbers with a row.
func (st *stock) spent() (n int64) {
	for i := range st.strips {
		n += int64(st.strips[i].spent())
	}
	return n
}
