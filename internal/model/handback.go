package model

// startHandBack releases a block of which every number is spent or was never
// taken. Nothing is taken from it any more.
func (m *machine) startHandBack(s state, i int) {
	if s.handBacks == 0 {
		return
	}
	s.handBacks--
	for _, b := range s.lives[i].blocks {
		next := s
		l := &next.lives[i]
		if b == (block{}) || !l.clean(b) {
			continue
		}
		l.op = op{kind: handingBack, block: b}
		for n := int(b.first); n <= int(b.last); n++ {
			if l.fates[n] == untaken {
				l.fates[n] = leaving
			}
		}
		m.sendHandBack(next, i)
	}
}

// clean reports whether b can be handed back, and is worth it.
func (l *life) clean(b block) bool {
	some := false
	for n := int(b.first); n <= int(b.last); n++ {
		switch l.fates[n] {
		case untaken:
			some = true
		case spent:
		default:
			return false
		}
	}
	return some
}

// sendHandBack reads the ledger and sends the swap, for the first time or again.
func (m *machine) sendHandBack(s state, i int) {
	l := &s.lives[i]
	b := l.op.block
	led := m.load(&s, &l.op)
	step := Step{verb: sendsHandBack, life: uint8(i), first: b.first, second: b.last}
	if !led.Holds(b.large(i, l.era)) {
		step.verb = findsGone
		m.known(&s, i)
		m.tell(s, step)
		return
	}
	var unused numbers
	for n := int(b.first); n <= int(b.last); n++ {
		if l.fates[n] == leaving {
			unused.add(n)
		}
	}
	m.submit(&s, i, l.op, must(led.Release(b.large(i, l.era), unused.ranges(), never)))
	m.tell(s, step)
}
