package model

// flights ends the batches of holder i that are under way, on either server.
func (m *machine) flights(s state, i int) {
	for p := range s.pg {
		n := int(s.pg[p].flights[i])
		if n == 0 {
			continue
		}
		waits := s.lives[i].phase == alive && s.lives[i].fates[n] == offered
		m.commit(s, i, n, p, waits)
		if !waits {
			next := s
			next.pg[p].flights[i] = 0
			m.tell(next, Step{verb: vanishes, life: uint8(i), first: uint8(n)})
		} else if s.doubts > 0 {
			next := s
			next.doubts--
			next.lives[i].fates[n] = doubtful
			m.tell(next, Step{verb: doubts, life: uint8(i), first: uint8(n)})
		}
	}
}

// commit stores the row, unless the number has one. If its sender still waits
// it learns which, and answers its client.
func (m *machine) commit(s state, i, n, p int, waits bool) {
	s.pg[p].flights[i] = 0
	step := Step{verb: commits, life: uint8(i), first: uint8(n), second: s.pg[p].era}
	row := &s.pg[p].rows[n]
	free := *row == noRow
	if free {
		*row = by(i)
	}
	mine := *row == by(i) || !m.keeps(PrimaryKey)
	switch {
	case !waits:
		step.verb = commitsUnheard
		if !free {
			step.verb = vanishes
		}
	case mine:
		if m.keeps(AckAfterCommit) {
			s.acknowledge(n, p)
		}
		s.lives[i].fates[n] = spent
	default:
		step.verb = findsTaken
		s.lives[i].fates[n] = spent
	}
	m.tell(s, step)
}

// postgres is the fail-over, and the sweep that follows it.
func (m *machine) postgres(s state) {
	switch {
	case !m.cfg.Failover:
	case s.standby == following:
		next := s
		next.standby = cutOff
		next.pg[1] = s.pg[0]
		next.pg[1].up = false
		next.pg[1].flights = [maxLives]uint8{}
		m.tell(next, Step{verb: isCutOff})
	case s.standby == cutOff:
		m.failOver(s)
	case m.keeps(Sweep):
		m.sweep(s)
	}
}

// failOver makes the standby the primary, in a new era. Unless the old one goes
// on serving, what is under way there is never executed.
func (m *machine) failOver(s state) {
	s.standby = promoted
	s.pg[1].up, s.pg[1].era = true, s.pg[0].era+1
	s.lost = s.acked &^ s.pg[1].invoices()
	if !m.cfg.Stale {
		s.pg[0].up = false
		for i, n := range s.pg[0].flights {
			if n != 0 && s.lives[i].phase == alive && s.lives[i].fates[n] == offered {
				s.lives[i].fates[n] = doubtful
			}
		}
		s.pg[0] = server{} // nobody can reach it any more
	}
	m.tell(s, Step{verb: failsOver})
}

// sweep reads the ledger first and then makes void what it leaves unexplained.
func (m *machine) sweep(s state) {
	next := s
	switch {
	case s.sweeps:
		c := m.books.claims[s.sweepOf]
		next.pg[1].record(c.covered &^ c.held &^ c.free)
		next.sweeps, next.sweepOf, next.swept = false, 0, true
		m.tell(next, Step{verb: sweeps})
	case !s.swept:
		next.sweeps, next.sweepOf = true, s.etcd.ledger
		m.tell(next, Step{verb: sweepReads})
	}
}
