package model

import "folio/counter"

// change goes on with the one change of the ledger that life i makes, or starts
// one.
func (m *machine) change(s state, i int) {
	switch o := s.lives[i].op; {
	case o.kind == idle:
		m.startReserve(s, i)
		m.startHandBack(s, i)
		m.startStop(s, i)
		m.startSettle(s, i)
	case o.stage == sent:
		m.swapEnds(s, i)
	case o.stage == again:
		m.readAgain(s, i)
	case o.kind == settling:
		m.survey(s, i)
	case o.kind == raising:
		m.raiseVoided(s, i)
	}
}

// submit sends next in place of the ledger that o has loaded.
func (m *machine) submit(s *state, i int, o op, next counter.Ledger) {
	o.stage = sent
	o.swap.next, o.swap.life, o.swap.sent = m.books.id(next), uint8(i), true
	s.lives[i].op = o
}

// load notes the ledger as it is now in o.
func (m *machine) load(s *state, o *op) counter.Ledger {
	o.swap.old, o.swap.rev = s.etcd.ledger, s.etcd.rev
	return m.open(s.etcd.ledger)
}

// open returns a ledger; one that does not exist begins where the series does.
func (m *machine) open(id ledgerID) counter.Ledger {
	led := m.books.at(id)
	if id == 0 {
		led = must(led.Begin(m.cfg.First))
	}
	return led
}

// swapEnds is the answer of etcd to a swap, or the sender giving it up.
func (m *machine) swapEnds(s state, i int) {
	next := s
	o := &next.lives[i].op
	step := Step{life: uint8(i), of: o.of, first: o.block.first, second: o.block.last}
	switch m.execute(&next, o.swap) {
	case applied:
		step.verb = appliedVerb[o.kind]
		m.known(&next, i)
	case conflict:
		step.verb = conflicts
		if o.uncertain && (o.kind == reserving || o.kind == handingBack) {
			o.stage = again
		} else {
			m.failed(&next, i)
		}
	case lostHolder:
		step.verb = isLost
		*o = op{}
		next.bury(i)
	}
	m.tell(next, step)
	m.giveUp(s, i)
}

func (m *machine) giveUp(s state, i int) {
	if s.givenUp == 0 {
		return
	}
	s.givenUp--
	o := &s.lives[i].op
	s.wander(o.swap)
	if o.kind == reserving || o.kind == handingBack {
		o.stage, o.uncertain = again, true
	} else {
		m.failed(&s, i)
	}
	m.tell(s, Step{verb: givesUp, life: uint8(i)})
}

// failed ends a change without effect; settling and raising begin anew, which
// is harmless.
func (m *machine) failed(s *state, i int) {
	l := &s.lives[i]
	if l.op.kind == raising && !m.keeps(FloorKept) {
		l.floor, l.noticed = 0, false
	}
	switch l.op.kind {
	case handingBack:
		l.keep()
	case stopping:
		// Read again, until it is known or the time is over: then the lease
		// ends, as after a kill.
		m.stopped(s, i)
		return
	}
	l.op = op{}
}

// known is the effect on the process of a swap known to be applied.
func (m *machine) known(s *state, i int) {
	l := &s.lives[i]
	switch l.op.kind {
	case reserving:
		m.adopt(s, i)
	case handingBack:
		l.drop(l.op.block)
	case stopping:
		m.stopped(s, i)
		return
	case raising:
		l.noticed = false
		if !m.keeps(VoidsFirst) {
			l.op.stage = late
			return
		}
	}
	l.op = op{}
}

// drop forgets a block and its numbers.
func (l *life) drop(b block) {
	l.forget(b)
	for n := range l.fates {
		if b.numbers().has(n) {
			l.fates[n] = absent
		}
	}
}

func (l *life) forget(b block) {
	if l.blocks[0] == b {
		l.blocks[0] = l.blocks[1]
		l.blocks[1] = block{}
	} else if l.blocks[1] == b {
		l.blocks[1] = block{}
	}
}

// keep puts the numbers of a block that was not handed back on the shelf again.
func (l *life) keep() {
	for n, f := range l.fates {
		if f == leaving {
			l.fates[n] = untaken
		}
	}
}
