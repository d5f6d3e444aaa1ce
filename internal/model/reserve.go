package model

import (
	"errors"

	"folio/counter"
)

// startReserve gets another block for a life that has no number left to take.
// If etcd is not the one that it asked the floor for, it asks first; if the mark
// is below the floor, it raises it first.
func (m *machine) startReserve(s state, i int) {
	l := &s.lives[i]
	for _, f := range l.fates {
		if f == untaken || f == leaving {
			return
		}
	}
	if l.knows != s.etcd.identity+1 {
		m.askFloor(s, i)
		return
	}
	if m.skipped(&s, i, s.etcd.ledger) != 0 {
		m.raise(s, i)
		return
	}
	l.noticed = false
	for count := int64(1); count <= m.cfg.Count; count++ {
		m.reserve(s, i, count)
	}
}

// reserve sends the one swap of a refill: blocks that are done leave the ledger
// in it.
func (m *machine) reserve(s state, i int, count int64) {
	l := &s.lives[i]
	o := op{kind: reserving}
	led := m.load(&s, &o)
	if led.Serial >= m.cfg.Blocks {
		return
	}
	kept := 0
	for _, b := range l.blocks {
		switch {
		case b == block{}:
		case !m.done(l, b):
			kept++
		case led.Holds(b.large(i, l.era)):
			led = must(led.Release(b.large(i, l.era), nil, never))
		}
	}
	if kept == len(l.blocks) {
		return
	}
	fromFree := len(led.Free) > 0
	next, b, err := led.Reserve(counter.Want{Holder: holderName(i), Era: eraName(l.era), Count: count, Limit: m.cfg.Numbers})
	if errors.Is(err, counter.ErrExhausted) {
		return
	}
	o.block, o.fromFree = small(must(b, err)), fromFree
	if b.Len() < count {
		return // the same as to ask for fewer
	}
	l.seen |= s.acked &^ s.orphan
	m.submit(&s, i, o, next)
	m.tell(s, Step{verb: sendsReserve, life: uint8(i), first: o.block.first, second: o.block.last})
}

// done reports whether b may leave the ledger.
func (m *machine) done(l *life, b block) bool {
	for n := int(b.first); n <= int(b.last); n++ {
		f := l.fates[n]
		if f == untaken || f == leaving || (m.keeps(HeldUntilSpent) && f != spent) {
			return false
		}
	}
	return true
}

// adopt puts the block on the shelf, and forgets those that left with the swap.
func (m *machine) adopt(s *state, i int) {
	l := &s.lives[i]
	after := m.books.at(l.op.swap.next)
	for _, b := range l.blocks {
		if b != (block{}) && !after.Holds(b.large(i, l.era)) {
			if m.keeps(HeldUntilSpent) {
				l.drop(b)
			} else {
				l.forget(b)
			}
		}
	}
	b := l.op.block
	if l.blocks[0] == (block{}) {
		l.blocks[0] = b
	} else {
		l.blocks[1] = b
	}
	for n := int(b.first); n <= int(b.last); n++ {
		l.requests[n] = 0
		for s.offeredBefore(i, n) {
			l.requests[n]++
		}
		l.fates[n] = untaken
	}
	m.checkGrant(s, i)
	if s.etcd.identity == 0 {
		l.seen = 0 // made anew when it asks next
	}
}

// offeredBefore reports whether a row of n by life i, for the request that has
// the number now, is stored or may still come: then it is of an earlier one.
func (s *state) offeredBefore(i, n int) bool {
	author := by(i, s.lives[i].requests[n])
	for p := range s.pg {
		w := s.pg[p].flights[i]
		if s.pg[p].rows[n] == author || int(w.number) == n && by(i, w.request) == author {
			return true
		}
	}
	return false
}
