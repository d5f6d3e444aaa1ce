package model

// startSettle takes a block of a holder that is not registered, and fences the
// holder on whichever server is reached.
func (m *machine) startSettle(s state, i int) {
	for _, h := range m.books.at(s.etcd.ledger).Held {
		x := lifeNamed(h.Holder)
		if x == i || s.etcd.registered.has(x) {
			continue
		}
		o := op{kind: settling, of: uint8(x), block: small(h)}
		m.load(&s, &o)
		for p := range s.pg {
			if s.pg[p].up {
				m.fence(s, i, p, o, eraNamed(h.Era))
			}
		}
	}
}

// fence closes a holder's row. It waits for the batches that hold the row.
func (m *machine) fence(s state, i, p int, o op, era uint8) {
	if m.keeps(EraOrder) && era > s.pg[p].era {
		return // this server is stale: hands off
	}
	if m.keeps(Fence) {
		if m.keeps(FenceWaits) && s.pg[p].flights[o.of].number != 0 {
			return
		}
		s.pg[p].holders[o.of] = fenced
	}
	o.era = s.pg[p].era
	s.lives[i].op = o
	m.tell(s, Step{verb: fences, life: uint8(i), of: o.of, second: s.pg[p].era})
}

// survey reads which numbers of the block have no row, makes them void if they
// must not be given again, and sends the swap.
func (m *machine) survey(s state, i int) {
	for p := range s.pg {
		if s.pg[p].up {
			m.surveyAt(s, i, p)
		}
	}
}

func (m *machine) surveyAt(s state, i, p int) {
	o := s.lives[i].op
	step := Step{verb: surveys, life: uint8(i), of: o.of, second: s.pg[p].era}
	era := s.pg[p].era
	if !m.keeps(OneSnapshot) {
		era = o.era
	}
	blockEra := s.lives[o.of].era
	unseen := m.keeps(Fence) && m.keeps(FenceSeen) && s.pg[p].holders[o.of] != fenced
	if unseen || m.keeps(EraOrder) && blockEra > era {
		s.lives[i].op = op{}
		step.verb = leavesAlone
		m.tell(s, step)
		return
	}
	rest := o.block.numbers() &^ s.pg[p].taken()
	if m.cfg.VoidOnLoss || m.keeps(BlockInEra) && blockEra < era {
		s.pg[p].record(rest)
		rest = 0
		step.verb = surveysAndVoids
	}
	b := o.block.large(int(o.of), blockEra)
	m.submit(&s, i, o, must(m.books.at(o.swap.old).Settle(b, rest.ranges(), never)))
	m.tell(s, step)
}
