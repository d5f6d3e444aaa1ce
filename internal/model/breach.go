package model

// breach is a promise that was not kept.
type breach uint8

const (
	none          breach = iota
	notUnique            // a number was acknowledged twice, over all histories
	notKept              // an acknowledged row is gone, and no failover lost it
	unaccounted          // a number up to the mark is neither row, void, held nor free
	freeAndIssued        // a number is free although it has an invoice, or had one that was acknowledged
	notApart             // two holders have the same number, and both may write it
	givenAgain           // a block contains a number that was acknowledged before it was asked for
)

var breachNames = [...]string{
	"none",
	"a number was acknowledged twice",
	"an acknowledged row is gone, and no failover lost it",
	"a number up to the mark is neither row, void, held nor free",
	"a number is free although it was issued",
	"two holders have the same number, and both may write it",
	"a block contains a number that had been acknowledged before it was asked for",
}

func (b breach) String() string { return breachNames[b] }

// check holds the promises against s. The audit reads the ledger first and the
// rows later; rows only become more, but for a failover, so to read both at one
// moment is the strictest audit there is.
func (m *machine) check(s *state) breach {
	rows := &s.pg[s.present()]
	c := m.books.claims[s.etcd.ledger]
	switch {
	case s.acked&^s.lost&^rows.invoices() != 0:
		return notKept
	case c.covered&^c.held&^c.free&^rows.taken() != 0 && m.accountable(s):
		return unaccounted
	case s.etcd.identity > 0:
		// What was given after etcd was saved is not in the ledger, and even
		// a swap may find the value again that it had loaded before: from
		// now on the rows are the wall.
		return none
	case c.free&(s.acked|rows.invoices()) != 0:
		return freeAndIssued
	case !m.apart(s):
		return notApart
	}
	return none
}

// accountable reports whether everything must be accounted for now: always,
// until Postgres fails over; then again when nothing of the earlier era can
// change the ledger any more and the sweep is through.
func (m *machine) accountable(s *state) bool {
	if s.standby != promoted {
		return true
	}
	now := s.pg[s.present()].era
	for i := range s.lives {
		if s.lives[i].phase == alive && s.lives[i].era < now {
			return false
		}
	}
	for _, w := range s.strays {
		if w.sent && s.lives[w.life].era < now {
			return false
		}
	}
	if m.heldFromBefore(s, s.etcd.ledger) {
		return false
	}
	return s.swept || !m.keeps(Sweep)
}

// apart reports whether no number is on the shelves of two holders that may
// both still write it.
func (m *machine) apart(s *state) bool {
	var all numbers
	for i := range s.lives {
		if s.lives[i].phase != alive || !m.mayWriteSomewhere(s, i) {
			continue
		}
		var own numbers
		for n, f := range s.lives[i].fates {
			if f == untaken || f == offered || f == doubtful {
				own.add(n)
			}
		}
		if all&own != 0 {
			return false
		}
		all |= own
	}
	return true
}

func (m *machine) mayWriteSomewhere(s *state, i int) bool {
	for p := range s.pg {
		if s.pg[p].up && m.mayWrite(s, i, p) {
			return true
		}
	}
	return false
}

// checkGrant holds a new block against what was acknowledged before it was
// asked for. What was free in a restored ledger does not count: it may have been
// given since, which a holder that begins later cannot know; the rows are the
// wall there.
func (m *machine) checkGrant(s *state, i int) {
	l := &s.lives[i]
	if l.op.fromFree && s.etcd.identity > 0 {
		return
	}
	if l.op.block.numbers()&l.seen != 0 {
		s.breach = givenAgain
	}
}
