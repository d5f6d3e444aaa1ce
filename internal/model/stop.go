package model

// startStop ends a life in good order, when nobody waits for a write of its any
// more: in one swap it hands back every block that it may hand back on its own
// word. What it leaves is for others to settle: to do it oneself, fenced, makes
// no other steps.
func (m *machine) startStop(s state, i int) {
	l := &s.lives[i]
	for _, f := range l.fates {
		if f == offered {
			return
		}
	}
	if s.stops == 0 {
		return
	}
	s.stops--
	for n, f := range l.fates {
		if f == untaken {
			l.fates[n] = leaving
		}
	}
	o := op{kind: stopping}
	led := m.load(&s, &o)
	next := led
	for _, b := range led.HeldBy(holderName(i)) {
		if unused, ok := m.mayHandBack(&s, i, small(b)); ok {
			if unused&s.acked&^s.orphan != 0 {
				s.breach = freeAndIssued
			}
			next = must(next.Release(b, unused.ranges(), never))
		}
	}
	if next.Equal(led) {
		m.stopped(&s, i)
		m.tell(s, Step{verb: hasStopped, life: uint8(i)})
		return
	}
	m.submit(&s, i, o, next)
	m.tell(s, Step{verb: sendsStop, life: uint8(i)})
}

// mayHandBack returns which numbers of b were never offered, and whether all
// others are spent. A block that the shelf does not know was reserved by a swap
// whose reply never came, and nothing of it was taken: but only if etcd is still
// the one that the life began with.
func (m *machine) mayHandBack(s *state, i int, b block) (unused numbers, ok bool) {
	l := &s.lives[i]
	if l.blocks[0] != b && l.blocks[1] != b {
		return b.numbers(), s.etcd.identity == l.bornIn || !m.keeps(KnownHandBack)
	}
	for n := int(b.first); n <= int(b.last); n++ {
		switch l.fates[n] {
		case leaving:
			unused.add(n)
		case spent:
		default:
			return 0, false
		}
	}
	return unused, true
}

// stopped ends the registration and the life.
func (m *machine) stopped(s *state, i int) {
	s.lives[i].op = op{}
	s.bury(i)
	s.etcd.registered.remove(i)
}
