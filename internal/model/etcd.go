package model

// outcome is what etcd answers to a swap.
type outcome uint8

const (
	applied outcome = iota
	conflict
	lostHolder
)

// execute is the one transaction of a swap.
func (m *machine) execute(s *state, w swap) outcome {
	same := w.old == s.etcd.ledger
	if !m.keeps(ValueCompare) {
		same = w.rev == s.etcd.rev
	}
	switch {
	case !s.etcd.registered.has(int(w.life)):
		return lostHolder
	case !same:
		return conflict
	}
	s.etcd.ledger = w.next
	if !m.keeps(ValueCompare) {
		s.etcd.rev++
	}
	if s.lives[w.life].era < s.pg[s.present()].era {
		// A holder of an earlier era may have taken out what it wrote where
		// the present primary does not see it: sweep again.
		s.swept, s.sweeps, s.sweepOf = false, false, 0
	}
	return applied
}

// wander puts w among the requests that nobody waits for. Where there is no room
// it is lost, which is one of the things that can happen to it anyway.
func (s *state) wander(w swap) {
	for i := range s.strays {
		if !s.strays[i].sent {
			s.strays[i] = w
			return
		}
	}
}

// strayArrives executes a request whose sender does not wait any more. One that
// never arrives is left out: nobody could tell.
func (m *machine) strayArrives(s state, i int) {
	w := s.strays[i]
	if !w.sent {
		return
	}
	copy(s.strays[i:], s.strays[i+1:])
	s.strays[len(s.strays)-1] = swap{}
	if m.execute(&s, w) == applied {
		m.tell(s, Step{verb: strayApplied, life: w.life})
		return
	}
	m.tell(s, Step{verb: strayDropped, life: w.life})
}

// etcd saves its state, once, and is restored to it, once. With the keys the
// leases come back.
func (m *machine) etcd(s state) {
	e := &s.etcd
	switch {
	case !m.cfg.Restore || e.identity > 0:
	case !e.saved:
		e.saved, e.savedLedger, e.savedRev, e.savedRegistered = true, e.ledger, e.rev, e.registered
		m.tell(s, Step{verb: isSaved})
	default:
		e.ledger, e.rev, e.registered = e.savedLedger, e.savedRev, e.savedRegistered
		e.savedLedger, e.savedRev, e.savedRegistered = 0, 0, 0
		e.identity++
		s.swept, s.sweeps, s.sweepOf = false, false, 0
		m.forget(&s)
		m.tell(s, Step{verb: isRestored})
	}
}

// forget notes what the restored ledger does not know any more: numbers that
// were given after it was saved.
func (m *machine) forget(s *state) {
	for i := range s.lives {
		s.orphan |= s.lives[i].unfinished()
	}
	c := m.books.claims[s.etcd.ledger]
	s.orphan |= s.acked &^ (c.covered &^ c.free)
}

// unfinished returns the numbers that a process may still write.
func (l *life) unfinished() numbers {
	var set numbers
	for n, f := range l.fates {
		if f != absent && f != spent {
			set.add(n)
		}
	}
	return set
}
