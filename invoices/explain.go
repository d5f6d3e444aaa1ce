package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"
)

// Explain tells what became of number n; period nil is the present one. The ledger
// is read first, then the row; if neither says anything both are read again before
// the number is called unaccounted, since it may have moved in between. A number
// that has a row is explained even while etcd is away.
//
// Errors: ErrNotFound (no such series), *document.InvalidError (names period),
// ErrUnavailable.
func (b *Books) Explain(ctx context.Context, who Asker, name string, period *string, n int64) (Explanation, error) {
	s, err := b.find(ctx, who, name, period)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Series: s.Name, Period: s.Period, Number: n}
	before := counter.MaxNumber + int64(1) // the highest row before the book was read: unknown
	for {
		k, fault := b.open(ctx, s)
		row, err := b.DB.numberRow(ctx, s.Series, n)
		if err != nil {
			return Explanation{}, err
		}
		if fault != nil && !errors.Is(fault, ErrLedgerDamaged) && row.Status == "" {
			return Explanation{}, fault
		}
		seen := sight{book: k, row: row, fault: fault, before: before}
		state, sure := seen.state(n)
		if !sure {
			before = row.Highest
			continue
		}
		e.AsOf = b.now()
		e.fill(who, seen, state)
		if state == stateHeld && who.Operator {
			e.Held.Registered = b.registered(ctx, e.Held.Block.Holder)
		}
		return e, nil
	}
}

// sight is one look at a number: the book, and then the row.
type sight struct {
	book
	row    numberRow
	fault  error // why the book could not be read
	before int64 // the highest number with a row before the book was read; above all numbers in the first look
}

// firstLook reports whether this is the first look.
func (s sight) firstLook() bool { return s.before > counter.MaxNumber }

// state decides what s shows of n. It is not sure when the number, or the mark, may
// have moved between the two readings.
func (s sight) state(n int64) (state string, sure bool) {
	switch {
	case s.row.Status == statusVoid || s.row.Annulled != nil:
		return stateVoid, true
	case s.row.Status == statusIssued:
		return stateIssued, true
	case s.fault != nil:
		return stateUnknown, true
	case s.held(n) != nil:
		return stateHeld, true
	case s.free(n) != nil:
		return stateFree, true
	case n < s.book.first:
		return stateBeforeFirst, true
	case n <= s.Mark:
		return stateUnaccounted, !s.firstLook()
	case s.row.Highest <= s.Mark:
		return stateNotReserved, true
	case s.firstLook():
		return "", false
	case s.before > s.Mark:
		return stateUnknown, true // documents had numbers that the ledger does not know
	}
	return stateNotReserved, true
}

func (s sight) held(n int64) *counter.Block {
	for i, b := range s.Held {
		if b.First <= n && n <= b.Last {
			return &s.Held[i]
		}
	}
	return nil
}

func (s sight) free(n int64) *counter.FreeRange {
	for i, f := range s.Free {
		if f.First <= n && n <= f.Last {
			return &s.Free[i]
		}
	}
	return nil
}

// fill says what s shows.
func (e *Explanation) fill(who Asker, s sight, state string) {
	e.State = state
	if s.fault == nil {
		first, mark := s.book.first, s.Mark
		e.First, e.Mark = &first, &mark
	}
	switch state {
	case stateIssued:
		e.Issued = s.issue(who)
	case stateVoid:
		e.Void = s.void(who)
	case stateHeld:
		b := s.held(e.Number)
		e.Held = &ExplainedHold{Since: b.At.UTC(), Block: blockOf(who, *b)}
	case stateFree:
		e.Free = &ExplainedFree{Since: s.free(e.Number).At.UTC()}
	}
	e.Summary = e.summary(s)
}

// summary is the state in a sentence.
func (e *Explanation) summary(s sight) string {
	switch e.State {
	case stateIssued:
		text := fmt.Sprintf("Issued as %s on %s", e.Issued.PrintedNumber, e.Issued.IssuedAt.Format(time.RFC3339))
		if e.Issued.Status == statusCancelled {
			return text + ", and cancelled in full by credit notes."
		}
		return text + "."
	case stateVoid:
		return e.Void.Explanation
	case stateHeld:
		return "It is being used now: a replica holds it, and gives it to a document, or back."
	case stateFree:
		return "It was given back without a document, and is used next."
	case stateUnaccounted:
		return "It was reserved, and nothing is known of it since: no document, no void, nobody who holds it. An operator must look at it (folio audit)."
	case stateBeforeFirst:
		return fmt.Sprintf("It lies before the first number of the series, which is %d.", s.book.first)
	case stateNotReserved:
		if s.Mark < s.book.first {
			return "It was not reserved yet, nor was any other number of the series in this period."
		}
		return fmt.Sprintf("It was not reserved yet: the highest number that was is %d.", s.Mark)
	}
	const odd = "No document bears it and it is not void; "
	if s.fault != nil {
		return odd + "whether it is held or free is unknown, since the ledger of the series cannot be read. An operator must look at it."
	}
	return fmt.Sprintf(odd+"whether it was reserved is unknown, since the ledger of the series ends at %d, below numbers of documents. An operator must look at it.", s.Mark)
}

// registered reports whether a holder is registered; nil if that cannot be told.
func (b *Books) registered(ctx context.Context, holder string) *bool {
	living, ok := b.Ledgers.(interface {
		Alive(ctx context.Context) ([]string, error)
	})
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	names, err := living.Alive(ctx)
	if err != nil {
		return nil
	}
	is := false
	for _, name := range names {
		is = is || name == holder
	}
	return &is
}
