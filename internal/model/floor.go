package model

import "folio/counter"

// askFloor asks the owner of the rows which number is the highest that it knows.
func (m *machine) askFloor(s state, i int) {
	l := &s.lives[i]
	noticed := l.knows != 0
	l.knows = s.etcd.identity + 1
	l.seen = s.acked
	if !m.keeps(FloorAsked) {
		m.tell(s, Step{verb: asksNobody, life: uint8(i)})
		return
	}
	l.noticed = noticed
	for p := range s.pg {
		if !s.pg[p].up {
			continue
		}
		next := s
		floor := s.pg[p].taken().highest()
		next.lives[i].floor = floor
		m.tell(next, Step{verb: asksFloor, life: uint8(i), first: floor})
	}
}

// raise makes void what may have been given before etcd went back, and then
// raises the mark over it. A holder that saw etcd go back sets aside the free
// ranges too: they may have been given since.
func (m *machine) raise(s state, i int) {
	o := op{kind: raising}
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
	o.voids = m.skipped(&s, i, o.swap.old)
	s.lives[i].op = o
	m.sendRaise(&s, i)
	m.tell(s, Step{verb: sendsRaise, life: uint8(i), first: s.lives[i].floor})
}

// skipped returns the numbers that a raise takes out of use.
func (m *machine) skipped(s *state, i int, id ledgerID) numbers {
	set := span(int(m.open(id).Mark)+1, int(s.lives[i].floor))
	if s.lives[i].noticed {
		set |= m.books.claims[id].free
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
	s.pg[s.present()].record(o.voids)
	s.lives[i].op = op{}
	m.tell(s, Step{verb: voidsSkipped, life: uint8(i)})
}

func (m *machine) sendRaise(s *state, i int) {
	l := &s.lives[i]
	led := m.open(l.op.swap.old)
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
