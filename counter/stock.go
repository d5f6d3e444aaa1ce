package counter

import (
	"slices"
	"time"
)

// stock is a block on a shelf, and what became of its numbers so far. Marks and
// gates are atomic; the rest is guarded by the mutex of its shelf.
type stock struct {
	shelf  *shelf
	strips []*strip
	Range
	next    uint32 // numbers taken in ascending order; exact while shut
	spentTo uint32 // the numbers of all strips before this one are spent

	// The store's revision when it was reserved, 0 if not known, in 48 bits: with 64
	// every series at rest would weigh 16 bytes more.
	revision     uint32
	revisionHigh uint16

	surplus uint8  // looks in a row that found its shelf with more than it needs
	leaving bool   // nothing is taken from it any more: it is on its way out
	again   *again // nil if no number of it was ever given back
	after   *stock // the next on its shelf
	serial  int64
	at      int64 // when it was reserved, in Unix nanoseconds
}

// again is what a stock knows of numbers that were given back.
type again struct {
	back  []place          // can be taken, ascending; they go first
	turns map[place]uint32 // how often each was given back
	stuck map[place]bool   // that had been offered, and nothing proves that no row came of it
}

func (a *again) hold(p place) {
	if a.stuck == nil {
		a.stuck = make(map[place]bool)
	}
	a.stuck[p] = true
}

func newStock(b Block, s *shelf) *stock {
	if b.Revision >= 1<<48 {
		b.Revision = 0 // rather than a wrong one
	}
	return &stock{
		revision: uint32(b.Revision), revisionHigh: uint16(b.Revision >> 32),
		shelf: s, serial: b.Serial, Range: b.Range, at: b.At.UnixNano(),
		strips: make([]*strip, (b.Len()+perStrip-1)/perStrip),
	}
}

// Block returns the block as it stands in the ledger.
func (st *stock) Block() Block {
	l := st.shelf.life
	return Block{
		Serial: st.serial, Range: st.Range, Holder: l.holder.Name, Era: l.era, At: time.Unix(0, st.at).UTC(),
		Revision: int64(st.revisionHigh)<<32 | int64(st.revision),
	}
}

// is reports whether b is this block.
func (st *stock) is(b Block) bool {
	return st.serial == b.Serial && st.Range == b.Range && st.shelf.life.holder.Name == b.Holder
}

// openUp lets up to n numbers be taken by way of the gate it returns, as many as
// the strip has, and says how many.
func (st *stock) openUp(n int64) (open *strip, count int64) {
	p := placeOf(int64(st.next))
	most := min(n, perStrip-int64(p.index()), st.Len()-int64(st.next))
	open = st.strip(p)
	open.open(p.strip(), p.index(), p.index()+uint32(most))
	return open, most
}

// shut closes the gate of s, which openUp opened last, and returns how many
// numbers were taken through it.
func (st *stock) shut(s *strip) (taken int64) {
	taken = int64(s.shut()) - int64(st.next%perStrip)
	st.next += uint32(taken)
	return taken
}

// throughGate returns how many numbers were taken through the open gate so far.
func (st *stock) throughGate(s *strip) int64 {
	return int64(reached(s.gate.Load())) - int64(st.next%perStrip)
}

// strip returns the strip on which the number at p is about to be taken. It is
// made only now, and dropped when all its numbers are spent, so that the strips in
// use of many series lie side by side: one in a large block, far from the next,
// costs a walk through the page tables at almost every take.
func (st *stock) strip(p place) *strip {
	at := &st.strips[p.strip()]
	if *at == nil {
		*at = &strip{from: st}
	}
	return *at
}

// left returns how many numbers can be taken; it is exact while shut.
func (st *stock) left() int64 {
	if st.leaving {
		return 0
	}
	n := st.Len() - int64(st.next)
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
	p := placeOf(int64(st.next))
	st.next++
	return Number{on: st.strip(p), at: p}
}

// taken counts the numbers that were taken at least once and do not wait to be taken
// again; it is exact while shut. With how often a number was given back it tells how
// often one was taken.
func (st *stock) taken() int64 {
	n := int64(st.next)
	if st.again != nil {
		n -= int64(len(st.again.back))
	}
	return n
}

// returns reports whether numbers that were given back wait to be taken.
func (st *stock) returns() bool { return st.again != nil && len(st.again.back) > 0 }

// giveBack takes n among the numbers that go first, unless its turn is over or
// its fate is another. If it is proven that no row came of its turn, an offer of
// this turn is forgotten; those of earlier turns stand.
func (st *stock) giveBack(n Number, proven bool) bool {
	if !st.mine(n) || !n.on.mark(n.at.index(), back, spent|doubtful) {
		return false
	}
	if st.again == nil {
		st.again = &again{turns: make(map[place]uint32)}
	}
	switch {
	case proven && !st.again.stuck[n.at]:
		n.on.clear(n.at.index(), offered)
	case n.on.of(n.at.index())&offered != 0:
		st.again.hold(n.at)
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
	st.dropSpent()
	return int(st.spentTo) == len(st.strips)
}

// dropSpent forgets the strips whose numbers are all spent, up to the first where
// one is not. Nothing that is said of such a number changes it.
func (st *stock) dropSpent() {
	for ; int(st.spentTo) < len(st.strips); st.spentTo++ {
		s := st.strips[st.spentTo]
		whole := min(perStrip, st.Len()-int64(st.spentTo)*perStrip)
		if s == nil || int64(s.spent()) < whole {
			return
		}
		st.strips[st.spentTo] = nil
	}
}

// spent counts the numbers with a row.
func (st *stock) spent() int64 {
	n := min(int64(st.spentTo)*perStrip, st.Len())
	for _, s := range st.strips[st.spentTo:] {
		if s != nil {
			n += int64(s.spent())
		}
	}
	return n
}
