package model

// machine makes the steps of one world.
type machine struct {
	cfg   Config
	books *books
	emit  func(state, Step)
}

// Step says in a few small words what happened, for the report.
type Step struct {
	verb          verb
	life, of      uint8
	first, second uint8
}

// initial is the world before anything happened: one primary, no ledger, and
// the first holder about to begin.
func (m *machine) initial() state {
	var s state
	s.pg[0] = server{up: true, era: 1}
	s.kills, s.pauses, s.givenUp = m.cfg.Kills, m.cfg.Pauses, m.cfg.Strays
	s.doubts, s.handBacks, s.stops = m.cfg.Doubts, m.cfg.HandBacks, m.cfg.Stops
	return s
}

// successors emits every state that one step leads to from s.
func (m *machine) successors(s state) {
	m.begin(s)
	for i := range m.cfg.Lives {
		switch s.lives[i].phase {
		case alive:
			m.write(s, i)
			m.change(s, i)
			m.end(s, i)
		case dead:
			m.leaseEnds(s, i)
		}
		m.flights(s, i)
	}
	for i := range s.strays {
		m.strayArrives(s, i)
	}
	m.postgres(s)
	m.etcd(s)
}

// tell checks s and passes it on.
func (m *machine) tell(s state, step Step) {
	if s.breach == none {
		s.breach = m.check(&s)
	}
	if m.cfg.only != none && s.breach != m.cfg.only {
		s.breach = none
	}
	m.emit(s, step)
}

func (m *machine) keeps(r Rule) bool { return m.cfg.keeps(r) }
