package model

import "folio/counter"

// readAgain looks for a change of unknown outcome in the ledger.
func (m *machine) readAgain(s state, i int) {
	if s.lives[i].op.kind == handingBack {
		m.sendHandBack(s, i)
		return
	}
	l := &s.lives[i]
	step := Step{life: uint8(i), first: l.op.block.first, second: l.op.block.last}
	switch {
	case m.recognises(m.books.at(s.etcd.ledger), l.op.block.large(i, l.era)):
		step.verb = findsItself
		m.known(&s, i)
	case s.etcd.ledger == l.op.swap.old && l.knows == s.etcd.identity+1:
		step.verb = sendsAgain
		l.op.swap.rev = s.etcd.rev
		l.op.stage = sent
	default:
		step.verb = startsAfresh
		l.op = op{}
	}
	m.tell(s, step)
}

func (m *machine) recognises(led counter.Ledger, b counter.Block) bool {
	if m.keeps(WholeIdentity) {
		return led.Holds(b)
	}
	for _, h := range led.Held {
		if h.Serial == b.Serial {
			return true
		}
	}
	return false
}

// must is for transitions that cannot fail here: whether they may be made was
// asked before.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
