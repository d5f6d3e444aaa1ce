package invoices

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"folio/counter"
)

// attempt is the writing of some rows of one holder, or of strict series, with
// what is known so far.
type attempt struct {
	holder string   // "" if the rows are of strict series
	left   []*entry // without an outcome yet

	// unknown: a statement with these rows was sent and its fate was never
	// told. It may have been executed, or may still be: until a statement
	// that finds the rows, or finds them impossible, an "aborted" proves
	// nothing.
	unknown bool

	// careful: rows of strict series did not come back, so that before the
	// next insert it is looked up what stands in their way.
	careful bool
}

// writeBatch gives every entry its outcome. The numbers are offered before
// anything is sent.
func (s *scribe) writeBatch(batch []*entry) {
	defer s.w.cfg.Watch.batch(batch).end()
	for _, e := range batch {
		e.offer()
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.w.cfg.Bound)
	defer cancel()
	s.write(ctx, &attempt{holder: batch[0].holder(), left: batch})
}

// write sends a's rows until each has an outcome: after an unknown fate the same
// rows with the same numbers, on a new connection. The primary key waits for
// what may be under way and tells which of the two it was.
func (s *scribe) write(ctx context.Context, a *attempt) {
	for try := 0; ; try++ {
		if try > 0 {
			pause(ctx, try-1)
		}
		err := s.connect(ctx)
		if err == nil {
			err = s.round(ctx, a)
		}
		s.w.failing.Store(err != nil)
		if len(a.left) == 0 {
			return
		}
		waits := errors.Is(err, ErrBehind) || errors.Is(err, ErrResuming)
		if ctx.Err() != nil || waits && !a.unknown {
			a.giveUp(err)
			return
		}
		if err != nil {
			s.w.cfg.Log.Warn("batch not settled yet, sent again", "holder", a.holder, "rows", len(a.left), "failed", try+1, "unknown", a.unknown, "error", err)
		}
	}
}

// round makes one round. Entries whose outcome is known leave a. An error is for
// the log.
func (s *scribe) round(ctx context.Context, a *attempt) error {
	if a.left[0].strict() {
		return s.sendStrict(ctx, a)
	}
	return s.send(ctx, a)
}

// send makes one round: write, then look up what did not come back.
func (s *scribe) send(ctx context.Context, a *attempt) error {
	s.w.batches.Add(1)
	got, err := s.line.insert(a.holder, a.rows())
	if err != nil {
		return s.failed(ctx, a, judge(err), err)
	}
	s.w.rows.Add(int64(got.count))
	a.finish(func(e *entry) bool {
		if !got.has(e.row) {
			return false
		}
		e.spend()
		e.finish(nil, nil)
		return true
	})
	if !got.open && !a.unknown {
		s.fenced(a)
	}
	if len(a.left) == 0 {
		return nil
	}
	clashes, err := s.lookUp(a)
	if err != nil {
		return err
	}
	switch {
	case !got.open:
		// The fence waited for every statement of this holder, and none
		// comes after it: what was found is final.
		s.fenced(a)
	case got.moved:
		// The account was locked to look at it, and its count of notes only
		// grows: an earlier statement that is still under way stores nothing.
		a.refuse(errMoved)
	}
	if len(a.left) == 0 {
		return nil
	}
	if len(clashes) > 0 {
		return s.voidClashes(ctx, clashes)
	}
	return errors.New("rows neither written nor found")
}

// lookUp has what is stored answer entries of a, and returns those whose printed
// number is another document's.
func (s *scribe) lookUp(a *attempt) (clashes []*entry, err error) {
	answers, err := s.line.lookUp(a.rows())
	if err != nil {
		s.redial()
		return nil, fmt.Errorf("look up what is stored: %w", err)
	}
	return a.resolve(answers), nil
}

// voidClashes records that the numbers of rows whose printed number is another
// document's are void. The next round finds the void, or the row itself after
// all, if an earlier statement has stored it meanwhile.
func (s *scribe) voidClashes(ctx context.Context, clashes []*entry) error {
	owner := &Owner{DB: s.w.cfg.DB}
	for _, e := range clashes {
		at := counter.Range{First: e.Number.Value(), Last: e.Number.Value()}
		b := e.Number.Block()
		err := owner.voidRest(ctx, voids{
			Series: e.Number.Series(), Ranges: []counter.Range{at}, Reason: reasonPrintedClash, Block: &b, By: b.Holder,
			Who: e.KeyID, Note: clashNote(e.Printed),
		})
		if err != nil {
			return err
		}
		e.clashed = true
	}
	return errPrintedClashes
}

// clashNote is what is known of a number that would be printed as another is.
func clashNote(printed string) string {
	return "It would be printed " + printed + ", as another document is."
}

// errPrintedClashes has the round repeated, in which each clash is answered.
var errPrintedClashes = errors.New("printed numbers are taken by other documents")

// fenced sends what is left of a back for other numbers. Those it had are of a
// life that is over, and go with it.
func (s *scribe) fenced(a *attempt) {
	s.w.fenced.Add(int64(len(a.left)))
	s.w.cfg.Log.Warn("holder fenced, requests go on under the next", "holder", a.holder, "rows", len(a.left))
	s.w.cfg.Numbers.Abandon(a.holder)
	a.finish(func(e *entry) bool {
		e.finish(nil, errFenced)
		return true
	})
}

// failed sorts out a statement that ended with err, which tells its fate f.
func (s *scribe) failed(ctx context.Context, a *attempt, f fate, err error) error {
	if f.data {
		s.bisect(ctx, a, err)
		return err
	}
	// A new connection: perhaps this server is a standby by now, or what was
	// prepared on the old one does not fit the schema any more.
	s.redial()
	if f.unknown {
		a.unknown = true
		s.w.unknown.Add(1)
	}
	if !f.retry && !a.unknown {
		a.refuse(fmt.Errorf("write the invoice: %w", err))
	}
	return err
}

// bisect keeps a bad row from failing its neighbours: the rows are written in
// two halves, and so on, until the bad one is alone.
func (s *scribe) bisect(ctx context.Context, a *attempt, err error) {
	rows := a.left
	a.left = nil
	if len(rows) == 1 {
		alone := &attempt{holder: a.holder, left: rows, unknown: a.unknown}
		if a.unknown {
			alone.giveUp(err)
			return
		}
		alone.refuse(fmt.Errorf("write the invoice: %w", err))
		return
	}
	for _, half := range [][]*entry{rows[:len(rows)/2], rows[len(rows)/2:]} {
		s.write(ctx, &attempt{holder: a.holder, left: half, unknown: a.unknown})
	}
}

// resolve deals with the rows that did not come back, given what is stored.
// What is neither there nor impossible stays in a; of that, clashes are those
// whose printed number another document has.
func (a *attempt) resolve(answers []found) (clashes []*entry) {
	i := -1
	a.finish(func(e *entry) bool {
		i++
		done := e.resolve(answers[i])
		if !done && answers[i].Clash {
			clashes = append(clashes, e)
		}
		return done
	})
	return clashes
}

// resolve reports whether f settles e.
func (e *entry) resolve(f found) bool {
	known := f.stored.Number != 0
	switch {
	case f.Taken:
		e.spend() // by this row or another: it is used up
	case known:
		e.disprove() // the request has its row; no other will ever be stored for it
	default:
		return false
	}
	switch {
	case !known && e.clashed:
		e.finish(nil, ErrPrintedClash)
	case !known:
		e.finish(nil, errTaken)
	case !bytes.Equal(f.Digest, e.Digest[:]):
		e.finish(nil, ErrRequestReused)
	case f.key() == e.key() && f.CreatedAt.Equal(e.CreatedAt):
		e.finish(nil, nil) // mine after all: it was executed before
	default:
		e.finish(&f.stored, nil)
	}
	return true
}

// refuse ends what is left of a, certainly not written.
func (a *attempt) refuse(err error) {
	a.finish(func(e *entry) bool {
		e.giveBack()
		e.finish(nil, err)
		return true
	})
}

// giveUp ends what is left of a when the time is over.
func (a *attempt) giveUp(err error) {
	if !a.unknown {
		a.refuse(fmt.Errorf("%w: %w", ErrUnavailable, err))
		return
	}
	a.finish(func(e *entry) bool {
		e.doubt()
		e.finish(nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err))
		return true
	})
}

// finish lets go of the entries for which done reports true.
func (a *attempt) finish(done func(*entry) bool) {
	var left []*entry
	for _, e := range a.left {
		if !done(e) {
			left = append(left, e)
		}
	}
	a.left = left
}

func (a *attempt) rows() []*row {
	rows := make([]*row, len(a.left))
	for i, e := range a.left {
		rows[i] = e.row
	}
	return rows
}
