package model

// begin starts the next life. Lives begin in the order of their names, which
// leaves out histories that differ in names only.
func (m *machine) begin(s state) {
	for i := range m.cfg.Lives {
		if s.lives[i].phase == beginning {
			m.enrol(s, i)
		}
		if s.lives[i].phase == unborn {
			m.readEra(s, i)
			return
		}
	}
}

// readEra is the first step of a life. Where the era cannot change, the life
// enrols in the same step.
func (m *machine) readEra(s state, i int) {
	for p := range s.pg {
		if !s.pg[p].up {
			continue
		}
		next := s
		next.lives[i] = life{phase: beginning, era: s.pg[p].era}
		if !m.cfg.Failover {
			m.enrol(next, i)
			continue
		}
		m.tell(next, Step{verb: readsEra, life: uint8(i), first: s.pg[p].era})
	}
}

// enrol stores the holder's row, and registers the holder. If the era is
// another by now it reads it again.
func (m *machine) enrol(s state, i int) {
	for p := range s.pg {
		if !s.pg[p].up {
			continue
		}
		next := s
		l := &next.lives[i]
		if l.era != s.pg[p].era && m.keeps(EnrolInEra) {
			l.era = s.pg[p].era
			m.tell(next, Step{verb: readsEra, life: uint8(i), first: l.era})
			continue
		}
		l.phase, l.rowEra, l.bornIn = alive, s.pg[p].era, s.etcd.identity
		if !m.cfg.Restore {
			// The ledger never goes back, so the floor is never above the
			// mark: not to ask spares a step.
			l.knows = s.etcd.identity + 1
		}
		next.pg[p].holders[i] = enrolled
		next.etcd.registered.add(i)
		m.tell(next, Step{verb: begins, life: uint8(i), first: l.rowEra})
	}
}

// end is what may go wrong with a living process.
func (m *machine) end(s state, i int) {
	if s.kills > 0 {
		next := s
		next.kills--
		next.bury(i)
		m.tell(next, Step{verb: isKilled, life: uint8(i)})
	}
	if s.pauses > 0 && s.etcd.registered.has(i) {
		next := s
		next.pauses--
		next.etcd.registered.remove(i)
		m.tell(next, Step{verb: leaseEndsUnseen, life: uint8(i)})
	}
}

// bury forgets what a process knew. What it sent is still on its way.
func (s *state) bury(i int) {
	if o := s.lives[i].op; o.stage == sent {
		s.wander(o.swap)
	}
	s.lives[i] = life{phase: dead, era: s.lives[i].era}
	for p := range s.pg {
		s.pg[p].flights[i].waits = false
	}
}

func (m *machine) leaseEnds(s state, i int) {
	if s.etcd.registered.has(i) {
		s.etcd.registered.remove(i)
		m.tell(s, Step{verb: leaseEnds, life: uint8(i)})
	}
}

// write sends one number to Postgres: the lowest that nobody took, or one in
// doubt, again. A statement that begins has read its holder's row and keeps it
// until it ends.
func (m *machine) write(s state, i int) {
	for p := range s.pg {
		if !s.pg[p].up || s.pg[p].flights[i].number != 0 {
			continue
		}
		taken := false
		for n := 1; n <= maxNumber; n++ {
			switch f := s.lives[i].fates[n]; {
			case f == untaken && !taken:
				taken = true
				m.send(s, i, n, p)
			case f == doubtful:
				m.send(s, i, n, p)
			}
		}
	}
}

func (m *machine) send(s state, i, n, p int) {
	step := Step{verb: writes, life: uint8(i), first: uint8(n), second: s.pg[p].era}
	if !m.mayWrite(&s, i, p) {
		step.verb = isRefused
		if s.lives[i].fates[n] == doubtful && s.pg[p].rows[n] == by(i, s.lives[i].requests[n]) {
			step.verb = isRefusedButFinds
			s.acknowledge(n, p)
		}
		s.bury(i)
		m.tell(s, step)
		return
	}
	s.lives[i].fates[n] = offered
	s.pg[p].flights[i] = batch{number: uint8(n), request: s.lives[i].requests[n], waits: true}
	if !m.keeps(AckAfterCommit) {
		s.acknowledge(n, p)
	}
	m.tell(s, step)
}

// mayWrite is what the statement of a batch reads before it writes.
func (m *machine) mayWrite(s *state, i, p int) bool {
	if m.keeps(Fence) && s.pg[p].holders[i] != enrolled {
		return false
	}
	return !m.keeps(WriteInEra) || s.lives[i].rowEra == s.pg[p].era
}

// acknowledge answers 201.
func (s *state) acknowledge(n, p int) {
	if s.acked.has(n) {
		s.breach = notUnique
	}
	s.acked.add(n)
	if p != s.present() {
		s.lost.add(n)
	}
}
