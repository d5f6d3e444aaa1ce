package counter

import (
	"math/bits"
	"sync/atomic"
)

const (
	perWord  = 16                      // numbers whose marks share a word
	perStrip = stripWords * perWord    // numbers on a strip
	placeBit = 7                       // perStrip fits into so many bits
	nibbles  = 0x1111_1111_1111_1111   // one bit of every number's marks in a word
	allSpent = uint64(spent) * nibbles // a word whose numbers are all spent

	stripWords = 6
)

// strip is 96 numbers on one cache line: a gate through which they are taken and
// four marks for each. It is all that taking and spending a number writes to, and
// almost all it reads, without a mutex.
type strip struct {
	// gate is place<<48 | limit<<32 | next: one addition takes the number next, if
	// that lies below the limit of the same moment. Limit and next share a word
	// because a limit read later than next was counted could be that of another
	// opening: then a number would be taken twice. The place of the strip in its
	// block rides along. Shut, it is 0 and gives nothing.
	gate  atomic.Uint64
	from  *stock
	marks [stripWords]atomic.Uint64
}

// take takes the next number.
func (s *strip) take() (n Number, ok bool) {
	g := s.gate.Add(1)
	i := uint32(g) - 1
	return Number{on: s, at: place(uint32(g>>48)<<placeBit | i)}, i < uint32(g>>32)&0xffff
}

// open lets the numbers from next to limit-1 be taken; it is the k-th strip.
func (s *strip) open(k, next, limit uint32) {
	s.gate.Store(uint64(k)<<48 | uint64(limit)<<32 | uint64(next))
}

// shut ends that and returns the place of the first number that was not taken.
// From now on nobody takes one.
func (s *strip) shut() (next uint32) { return reached(s.gate.Swap(0)) }

// reached is how far a gate's numbers are taken: those who came too late have
// counted on, beyond the limit.
func reached(gate uint64) uint32 { return min(uint32(gate), uint32(gate>>32)&0xffff) }

// marks are what is known of one number that was taken.
type marks uint8

const (
	offered  marks = 1 << iota // a write with it may have been sent, and nothing proves that none was executed
	spent                      // a row with it is stored
	doubtful                   // nobody can say
	back                       // it was given back at least once: its turns count
)

// of returns the marks of the number at place i.
func (s *strip) of(i uint32) marks {
	return marks(s.marks[i/perWord].Load()>>(4*(i%perWord))) & 0xf
}

// mark adds m to the marks of the number at place i, unless it has one of
// unless already.
func (s *strip) mark(i uint32, m, unless marks) bool {
	word, shift := &s.marks[i/perWord], 4*(i%perWord)
	for {
		was := word.Load()
		if marks(was>>shift)&unless != 0 {
			return false
		}
		if word.CompareAndSwap(was, was|uint64(m)<<shift) {
			return true
		}
	}
}

// clear takes m from the marks of the number at place i.
func (s *strip) clear(i uint32, m marks) {
	s.marks[i/perWord].And(^(uint64(m) << (4 * (i % perWord))))
}

// spent counts the numbers that are spent.
func (s *strip) spent() (n int) {
	for i := range s.marks {
		n += bits.OnesCount64(s.marks[i].Load() & allSpent)
	}
	return n
}

// place is where a number stands in its block: its strip, and its place there.
type place uint32

func placeOf(offset int64) place { return place(offset/perStrip<<placeBit | offset%perStrip) }

func (p place) strip() uint32 { return uint32(p) >> placeBit }
func (p place) index() uint32 { return uint32(p) & (1<<placeBit - 1) }

// offset is how many numbers of the block come before it.
func (p place) offset() int64 { return int64(p.strip())*perStrip + int64(p.index()) }
