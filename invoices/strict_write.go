package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// sendStrict makes one round for rows of strict series: one transaction that
// locks their counters, gives consecutive numbers to the rows that are not stored
// yet, inserts them and moves the counters by exactly that many. Whoever comes
// next waits for the lock until the commit. So numbers are given in the order of
// the commits, and each has its row: a transaction that ends otherwise leaves
// neither.
//
// Nothing is answered before the transaction is committed.
func (s *scribe) sendStrict(ctx context.Context, a *attempt) error {
	err := s.tryStrict(ctx, a)
	if !errors.Is(err, errMet) {
		return err
	}
	a.unknown = true   // one of them is stored: until it is known which, nobody may say that none is
	if s.line == nil { // it broke as it was rolled back
		return err
	}
	return s.tryStrict(ctx, a)
}

// tryStrict makes one transaction.
func (s *scribe) tryStrict(ctx context.Context, a *attempt) error {
	s.w.batches.Add(1)
	p, err := s.planStrict(a)
	if err == nil {
		err = s.storeStrict(p)
	}
	if err != nil {
		if p != nil {
			p.takeAway()
		}
		a.careful = a.careful || errors.Is(err, errFewer)
		return s.rolledBack(ctx, a, err)
	}
	if err := s.line.commit(); err != nil {
		return s.failed(ctx, a, judge(err), err)
	}
	a.careful = false
	return s.answerStrict(a, p)
}

// errFewer: fewer rows were written than sent, so that the numbers of the others
// would be holes.
var errFewer = errors.New("rows of strict series did not come back, the transaction is done again")

// errMet: a row was inserted in the hope that it is not there yet, and it is.
var errMet = errors.New("a row of a strict series is there already, the transaction is done again")

// planStrict begins the transaction, locks the counters and numbers the rows.
func (s *scribe) planStrict(a *attempt) (*strictPlan, error) {
	p := &strictPlan{synced: s.w.cfg.RequireSync, hopeful: a.hopeful() && s.line.hopeful()}
	places := strictSeriesOf(a.left)
	if err := s.lockStrict(places, p); err != nil {
		return nil, err
	}
	era, before, err := s.findRequests(a, places, p)
	if err != nil {
		return nil, err
	}
	// Whatever was sent before has ended, or the locks would not have been
	// had: what is not found was not stored and will not be. Of what is found
	// nobody may say that it was not stored, until it was read.
	if !p.hopeful {
		a.unknown = slices.Contains(before.found, true)
	}
	p.era = era
	p.place(a.left, before)
	if a.careful && len(p.fresh) > 0 {
		obstacles, err := s.line.obstacles(rowsOf(p.fresh))
		if err != nil {
			return p, err
		}
		p.avoid(obstacles)
	}
	return p, nil
}

// hopeful reports whether rows of strict series may be sent as if none of their requests
// were stored. Of many numbers of one request the others must not be stored under the key
// of another, which only a look tells.
func (a *attempt) hopeful() bool {
	return !a.careful && !a.unknown && !slices.ContainsFunc(a.left, func(e *entry) bool { return e.Item > 0 || e.credit != nil })
}

// findRequests looks for what is stored of the rows of a, unless p is hopeful.
func (s *scribe) findRequests(a *attempt, places []strictPlace, p *strictPlan) (era string, before earlier, err error) {
	if !p.hopeful {
		return s.line.findRequests(a.rows(), places, p.counters)
	}
	era, _, err = s.line.findRequests(nil, places, p.counters)
	none := make([]bool, len(a.left))
	return era, earlier{found: none, reused: none}, err
}

// lockStrict begins the transaction and locks the counters of places. Those that
// are missing are made first, outside it.
func (s *scribe) lockStrict(places []strictPlace, p *strictPlan) error {
	for made := false; ; made = true {
		if err := s.line.begin(); err != nil {
			return err
		}
		var err error
		if p.counters, err = s.line.lockCounters(places); err != nil {
			return err
		}
		missing := slices.DeleteFunc(slices.Clone(places), func(at strictPlace) bool { return p.counters[at.Series] != nil })
		switch {
		case len(missing) == 0:
			return nil
		case made:
			return fmt.Errorf("the counter of %s was made and is not there", missing[0].Series)
		}
		if err := s.line.rollback(); err != nil {
			return err
		}
		if err := s.line.makeCounters(missing); err != nil {
			return err
		}
	}
}

// storeStrict writes what p gives a number, and moves the counters.
func (s *scribe) storeStrict(p *strictPlan) error {
	if len(p.fresh) > 0 {
		insert := s.line.execute
		if p.hopeful {
			insert = s.line.executeFresh
		}
		got, err := insert("", rowsOf(p.fresh))
		switch {
		case err != nil && p.hopeful && s.line.met(err):
			return errMet
		case err != nil:
			return err
		case got.moved:
			return errMoved
		case got.count < len(p.fresh):
			return errFewer
		}
	}
	if len(p.clashed) > 0 {
		voided, err := s.line.voidClashes(rowsOf(p.clashed))
		if err != nil {
			return err
		}
		if voided < len(p.clashed) {
			return errFewer
		}
	}
	if moved := p.moved(); len(moved) > 0 {
		return s.line.advance(moved, p.era)
	}
	return nil
}

// rolledBack sorts out a transaction that ended with err before its commit was
// sent, and so certainly stored nothing: the server rolls back what is not
// committed.
func (s *scribe) rolledBack(ctx context.Context, a *attempt, err error) error {
	f := judge(err)
	if f.unknown {
		f = fate{retry: true}
	}
	ours := errors.Is(err, errFewer) || errors.Is(err, errMoved) || errors.Is(err, errMet)
	if ours || f.data { // the connection is sound
		if undo := s.line.rollback(); undo != nil {
			s.redial()
		}
	}
	if errors.Is(err, errMoved) {
		a.refuse(errMoved)
	}
	if ours {
		return err
	}
	return s.failed(ctx, a, f, err)
}

// answerStrict tells the outcomes of a transaction that is committed. Rows whose
// request was stored before are answered by what is stored.
func (s *scribe) answerStrict(a *attempt, p *strictPlan) error {
	s.w.rows.Add(int64(len(p.fresh)))
	s.w.cfg.DB.voided.add(reasonPrintedClash, int64(len(p.clashed)))
	outcomes := make(map[*entry]error, len(a.left))
	for _, e := range p.fresh {
		outcomes[e] = nil
	}
	for _, e := range p.clashed {
		outcomes[e] = ErrPrintedClash
	}
	for e, err := range p.refused {
		outcomes[e] = err
	}
	a.finish(func(e *entry) bool {
		err, known := outcomes[e]
		if known {
			e.finish(nil, err)
		}
		return known
	})
	if len(a.left) == 0 {
		return nil
	}
	if _, err := s.lookUp(a); err != nil {
		return err
	}
	if len(a.left) == 0 {
		return nil
	}
	return errors.New("rows that repeat a request which was refused")
}

func rowsOf(entries []*entry) []*row {
	rows := make([]*row, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	return rows
}
