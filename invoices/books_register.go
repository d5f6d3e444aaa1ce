package invoices

import (
	"cmp"
	"context"
	"slices"
	"time"

	"folio/counter"
	"folio/invoices/register"

	"github.com/jmoiron/sqlx"
)

// registerPage is how many rows one statement reads, and how many lines are handed
// on at a time.
const registerPage = 4000

// Register writes every number of a series from its first to its mark, in order, to
// to; period nil is the present one. The ledger is read first; then the rows, page
// by page, each in a statement of its own: while a page is written no transaction is
// open, and one page is all that is in memory.
//
// A number without a row is what the ledger said of it. Where documents have numbers
// above the mark, the ledger is lost or went back: the register then goes on up to
// the highest of them, and what lies between is unaccounted.
//
// Errors before to was called: ErrNotFound, *document.InvalidError (names period),
// ErrLedgerDamaged, ErrUnavailable. Any later error, those of to among them, leaves
// the register without its end.
func (b *Books) Register(ctx context.Context, who Asker, name string, period *string, to register.Writer) error {
	s, err := b.find(ctx, who, name, period)
	if err != nil {
		return err
	}
	highest, err := b.DB.highestRow(ctx, s.Series) // before the book: it is not above a sound mark
	if err != nil {
		return err
	}
	k, err := b.open(ctx, s)
	if err != nil {
		return err
	}
	w := &registering{db: b.DB, bookSeries: s, to: to, gaps: gapsOf(k), next: k.first, last: max(k.Mark, highest)}
	page, err := w.read(ctx, 0)
	if err != nil {
		return err
	}
	head := register.Head{
		Owner: cmp.Or(who.Seller.Name, who.Tenant), Series: s.Name, Period: s.Period, First: k.first, Mark: k.Mark,
		AsOf: register.AsOf{At: k.at, EtcdRevision: k.revision},
	}
	if err := to.Begin(head); err != nil {
		return err
	}
	if err := w.write(ctx, page); err != nil {
		return err
	}
	return to.End()
}

func (db *DB) highestRow(ctx context.Context, s counter.Series) (highest int64, err error) {
	err = db.read(ctx, s.Tenant, "read the highest number of "+s.String(), func(q sqlx.QueryerContext) error {
		highest, err = readFloor(ctx, q, s)
		return err
	})
	return highest, err
}

// registering is a register that is being written.
type registering struct {
	db *DB
	bookSeries
	to    register.Writer
	gaps  []gap // what the book says of numbers without a row, ascending
	next  int64 // the next number that has to have a line
	last  int64
	lines []register.Line
}

// gap is a range of numbers that are all held, or all free.
type gap struct {
	counter.Range
	status string
}

// gapsOf returns what k holds of numbers without a row.
func gapsOf(k book) (gaps []gap) {
	for _, b := range k.Held {
		gaps = append(gaps, gap{b.Range, register.Held})
	}
	for _, f := range k.Free {
		gaps = append(gaps, gap{f.Range, register.Free})
	}
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.First, b.First) })
	return gaps
}

// registerRow is a row as the register shows it.
type registerRow struct {
	register.Line
	annulled bool
	voided   time.Time
}

// read reads the rows after a number.
func (w *registering) read(ctx context.Context, after int64) (page []registerRow, err error) {
	const query = `
		select d.number, coalesce(d.printed_number, ''), coalesce(cast(d.issue_date as text), ''),
			case when d.status = 'issued' then d.kind else '' end,
			case when a.number is not null then 'void' when c.closed then 'cancelled' else d.status end,
			coalesce(d.currency, ''), coalesce(cast(d.gross as text), ''), coalesce(a.reason, d.reason, ''),
			a.number is not null, case when d.status = 'void' or a.number is not null then coalesce(a.voided_at, d.created_at) end
		from documents d
		left join credits c on c.tenant = $1 and c.series = $2 and c.period = $3 and c.number = d.number
		left join annulments a on a.tenant = $1 and a.series = $2 and a.period = $3 and a.number = d.number
		where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number > $4 and d.number <= $5
		order by d.number limit $6`
	err = w.db.read(ctx, w.Tenant, "read the numbers of "+w.String(), func(q sqlx.QueryerContext) error {
		rows, err := q.QueryContext(ctx, query, w.Tenant, w.Name, w.Period, after, w.last, registerPage)
		if err != nil {
			return err
		}
		defer rows.Close()
		page = make([]registerRow, 0, registerPage)
		for rows.Next() {
			var r registerRow
			var voided *time.Time
			l := &r.Line
			err := rows.Scan(&l.Number, &l.PrintedNumber, &l.Date, &l.Kind, &l.Status, &l.Currency, &l.Gross, &l.Reason, &r.annulled, &voided)
			if err != nil {
				return err
			}
			if voided != nil {
				r.voided = *voided
			}
			page = append(page, r)
		}
		return rows.Err()
	})
	return page, err
}

// write writes page and all that follow it, and what lies between their rows.
func (w *registering) write(ctx context.Context, page []registerRow) error {
	for {
		for i := range page {
			if err := w.fill(page[i].Number - 1); err != nil {
				return err
			}
			if err := w.put(w.line(&page[i])); err != nil {
				return err
			}
			w.next = max(w.next, page[i].Number+1)
		}
		if len(page) < registerPage {
			break
		}
		var err error
		if page, err = w.read(ctx, page[len(page)-1].Number); err != nil {
			return err
		}
	}
	if err := w.fill(w.last); err != nil {
		return err
	}
	return w.flush()
}

// line is the line of a row.
func (w *registering) line(r *registerRow) register.Line {
	switch {
	case r.annulled:
		r.Explanation = annulledSentence(r.Reason)
	case r.Status == statusVoid:
		r.Explanation = ReasonSentence(r.Reason)
	}
	if r.Status == statusVoid {
		r.Date = r.voided.In(w.zone).Format(time.DateOnly)
	}
	return r.Line
}

// fill writes the numbers up to last that have no row.
func (w *registering) fill(last int64) error {
	for ; w.next <= last; w.next++ {
		for len(w.gaps) > 0 && w.gaps[0].Last < w.next {
			w.gaps = w.gaps[1:]
		}
		status := register.Unaccounted
		if len(w.gaps) > 0 && w.gaps[0].First <= w.next {
			status = w.gaps[0].status
		}
		if err := w.put(register.Line{Number: w.next, Status: status}); err != nil {
			return err
		}
	}
	return nil
}

func (w *registering) put(l register.Line) error {
	w.lines = append(w.lines, l)
	if len(w.lines) < registerPage {
		return nil
	}
	return w.flush()
}

func (w *registering) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	err := w.to.Lines(w.lines)
	w.lines = w.lines[:0]
	return err
}
