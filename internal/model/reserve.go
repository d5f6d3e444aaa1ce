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
	led := m.books.at(s.etcd.ledger)
	if int64(l.floor) > led.Mark || l.noticed {
		m.raise(s, i)
		return
	}
	for count := int64(1); count <= m.cfg.Count; count++ {
		m.reserve(s, i, count)
	}
}

// askFloor asks the owner of the rows which number is the highest that it knows.
func (m *machine) askFloor(s state, i int) {
	l := &s.lives[i]
	noticed := l.knows != 0
	l.knows = s.etcd.identity + 1
	if !m.keeps(FloorAsked) {
		m.tell(s, Step{verb: asksNobody, life: uint8(i)})
		return
	}
	l.noticed = noticed
	l.seen = s.acked
	for p := range s.pg {
		if !s.pg[p].up {
			continue
		}
		next := s
		for n := range s.pg[p].rows {
			if s.pg[p].rows[n] != noRow {
				next.lives[i].floor = uint8(n)
			}
		}
		m.tell(next, Step{verb: asksFloor, life: uint8(i), first: next.lives[i].floor})
	}
}

// raise makes void what may have been given before etcd went back, and then
// raises the mark over it. A holder that saw etcd go back sets aside the free
// ranges too: they may have been given since.
func (m *machine) raise(s state, i int) {
	o := op{kind: raising, block: block{last: s.lives[i].floor}}
	m.load(&s, &o)
	if m.keeps(VoidsFirst) {
		for p := range s.pg {
			if s.pg[p].up {
				next := s
				next.pg[p].record(m.skipped(&s, i, o.swap.old))
				next.lives[i].op = o
				m.tell(next, Step{verb: voidsSkipped, life: uint8(i)})
			}
		}
		return
	}
	o.of = uint8(m.skipped(&s, i, o.swap.old)) // to be void later
	s.lives[i].op = o
	m.sendRaise(&s, i)
	m.tell(s, Step{verb: sendsRaise, life: uint8(i), first: s.lives[i].floor})
}

// skipped returns the numbers that a raise takes out of use.
func (m *machine) skipped(s *state, i int, id ledgerID) numbers {
	c := m.books.claims[id]
	set := span(int(m.books.at(id).Range().Last)+1, int(s.lives[i].floor))
	if s.lives[i].noticed {
		set |= c.free
	}
	return set
}

// raiseVoided goes on after the voids, or writes them when they come late.
func (m *machine) raiseVoided(s state, i int) {
	o := s.lives[i].op
	if o.stage == begun {
		m.sendRaise(&s, i)
		m.tell(s, Step{verb: sendsRaise, life: uint8(i), first: s.lives[i].floor})
		return
	}
	s.pg[s.present()].record(numbers(o.of))
	s.lives[i].op = op{}
	m.tell(s, Step{verb: voidsSkipped, life: uint8(i)})
}

func (m *machine) sendRaise(s *state, i int) {
	l := &s.lives[i]
	led := m.books.at(l.op.swap.old)
	next, err := led.SeekTo(int64(l.floor))
	if l.noticed {
		var aside []counter.Block
		next, aside, err = led.SetAside(counter.Want{Holder: holderName(i), Era: eraName(l.era)}, int64(l.floor))
		for _, b := range aside {
			next = must(next.Release(b, nil, never))
		}
	}
	m.submit(s, i, l.op, must(next, err))
}

// reserve sends the one swap of a refill: blocks that are done leave the ledger
// in it.
func (m *machine) reserve(s state, i int, count int64) {
	l := &s.lives[i]
	o := op{kind: reserving}
	led := m.load(&s, &o)
	if o.swap.old == 0 {
		led = must(led.Begin(m.cfg.First))
	}
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
		l.fates[n] = untaken
	}
	m.checkGrant(s, i)
	l.seen = 0
}

// readAgain looks for a change of unknown outcome in the ledger.
func (m *machine) readAgain(s state, i int) {
	if s.lives[i].op.kind == handingBack {
		m.handBackAgain(s, i)
		return
	}
	l := &s.lives[i]
	step := Step{life: uint8(i), first: l.op.block.first, second: l.op.block.last}
	switch {
	case m.recognises(m.books.at(s.etcd.ledger), l.op.block.large(i, l.era)):
		step.verb = findsItself
		m.known(&s, i)
	case s.etcd.ledger == l.op.swap.old && l.knows == s.etcd.identity+1:
		step.verb = sendsAgain
		l.op.swap.rev = s.etcd.rev
		l.op.stage = sent
	default:
		step.verb = startsAfresh
		l.op = op{}
	}
	m.tell(s, step)
}

func (m *machine) recognises(led counter.Ledger, b counter.Block) bool {
	if m.keeps(WholeIdentity) {
		return led.Holds(b)
	}
	for _, h := range led.Held {
		if h.Serial == b.Serial {
			return true
		}
	}
	return false
}

// must is for transitions that cannot fail here: whether they may be made was
// asked before.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
