package model

import (
	"slices"

	"folio/counter"
)

// flights ends the batches of holder i that are under way, on either server.
func (m *machine) flights(s state, i int) {
	for p := range s.pg {
		w := s.pg[p].flights[i]
		switch {
		case w.number == 0:
			continue
		case !w.waits:
			next := s
			next.pg[p].flights[i] = batch{}
			m.tell(next, Step{verb: vanishes, life: uint8(i), first: w.number})
		case s.doubts > 0:
			next := s
			next.doubts--
			next.pg[p].flights[i].waits = false
			next.lives[i].learn(w, doubtful)
			m.tell(next, Step{verb: doubts, life: uint8(i), first: w.number})
		}
		m.commit(s, i, p)
	}
}

// learn notes what became of a write, unless the number was reserved anew since.
func (l *life) learn(w batch, f fate) {
	if l.fates[w.number] == offered && l.requests[w.number] == w.request {
		l.fates[w.number] = f
	}
}

// commit stores the row, unless the number has one. If its sender still waits
// it learns which, and answers its client.
func (m *machine) commit(s state, i, p int) {
	w := s.pg[p].flights[i]
	n := int(w.number)
	s.pg[p].flights[i] = batch{}
	row := &s.pg[p].rows[n]
	if !w.waits && *row != noRow {
		return // it has no effect, which is a step of its own
	}
	if *row == noRow {
		*row = by(i, w.request)
	}
	step := Step{verb: commits, life: uint8(i), first: w.number, second: s.pg[p].era}
	switch mine := *row == by(i, w.request) || !m.keeps(PrimaryKey); {
	case !w.waits:
		step.verb = commitsUnheard
	case mine:
		if m.keeps(AckAfterCommit) {
			s.acknowledge(n, p)
		}
	default:
		step.verb = findsTaken
	}
	if w.waits {
		s.lives[i].learn(w, spent)
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
		next.pg[1].flights = [maxLives]batch{}
		if m.cfg.Synced {
			m.failOver(next)
			return
		}
		m.tell(next, Step{verb: isCutOff})
	case s.standby == cutOff:
		m.failOver(s)
	case m.keeps(Sweep):
		m.sweep(s)
	}
}

// failOver makes the standby the primary, in a new era: that of its timeline, or,
// if it was the primary itself that was put back to a backup, that of the restore
// which an operator announces. Before that nobody writes to it, or the era would be
// the old one. Unless the old one goes on serving, what is under way there is never
// executed.
func (m *machine) failOver(s state) {
	s.standby = promoted
	s.pg[1].up, s.pg[1].era = true, s.pg[0].era
	if m.keeps(Gate) {
		s.pg[1].era++
	}
	s.lost = s.acked &^ s.pg[1].invoices()
	if !m.cfg.Stale {
		s.pg[0].up = false
		for i, w := range s.pg[0].flights {
			s.lives[i].learn(w, doubtful)
		}
		s.pg[0] = server{} // nobody can reach it any more
	}
	m.tell(s, Step{verb: failsOver})
}

// sweep reads the ledger first and then makes void what it leaves unexplained.
// It is through only if that ledger held no block of an earlier era: such a
// block may be settled by rows that only the old primary had. Until then it is
// repeated.
func (m *machine) sweep(s state) {
	next := s
	switch {
	case s.sweeps:
		c := m.books.claims[s.sweepOf]
		next.pg[1].record(c.covered &^ c.held &^ c.free)
		next.sweeps, next.sweepOf = false, 0
		next.swept = !m.keeps(SweepAgain) || !m.heldFromBefore(&s, s.sweepOf)
		m.tell(next, Step{verb: sweeps})
	case !s.swept:
		next.sweeps, next.sweepOf = true, s.etcd.ledger
		m.tell(next, Step{verb: sweepReads})
	}
}

// heldFromBefore reports whether a ledger holds a block of an earlier era.
func (m *machine) heldFromBefore(s *state, id ledgerID) bool {
	now := s.pg[s.present()].era
	return slices.ContainsFunc(m.books.at(id).Held, func(b counter.Block) bool { return eraNamed(b.Era) < now })
}
