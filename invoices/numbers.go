package invoices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"

	"golang.org/x/sync/errgroup"
)

// NumbersRequest is one wish for numbers of documents that live elsewhere.
type NumbersRequest struct {
	Identity  Identity
	ID        string   // the client's Idempotency-Key; required
	Digest    [32]byte // of the request, its series included
	Series    string
	Count     int    // 1 to document.MaxNumbers
	IssueDate string // YYYY-MM-DD; "": today in the tenant's zone
	Reference string // what the client calls the documents; "": nothing
}

// ExternalNumbers is the answer to a NumbersRequest.
type ExternalNumbers struct {
	Series   string           `json:"series"`
	Period   string           `json:"period"`
	Numbers  []ExternalNumber `json:"numbers"` // in the order in which they were taken
	Replayed bool             `json:"-"`       // the request was known

	RangeLeft *int64 `json:"-"` // as of Issued
}

// ExternalNumber is a number whose document lives elsewhere.
type ExternalNumber struct {
	Number        int64  `json:"number"`
	PrintedNumber string `json:"printed_number"`
}

// TakeNumbers takes as many numbers as r wishes for and records each as issued,
// of kind external, or returns those that the same request took before. A
// request that was cut short goes on where it ended when it is sent again: what
// it has recorded so far is its own for ever.
//
// Errors: ErrNotFound (no such series), *document.InvalidError, ErrRequestReused,
// ErrPrintedClash, ErrSeriesExhausted, ErrSeriesExpired, ErrLedgerDamaged; ErrUnavailable and
// ErrOutcomeUnknown: send the same request again.
func (is *Issuer) TakeNumbers(ctx context.Context, r NumbersRequest) (ExternalNumbers, error) {
	id := requestID(r.ID)
	stored, err := is.DB.findItems(ctx, r, id)
	if err != nil {
		return ExternalNumbers{}, err
	}
	if len(stored) > 0 && len(stored) == r.Count {
		return externalNumbers(stored, true), nil
	}
	fresh := len(stored) == 0
	if !fresh {
		r.IssueDate = stored[0].IssueDate // today may be another day by now
	}
	p, err := is.prepareNumbers(ctx, r, id)
	if err != nil {
		return ExternalNumbers{}, err
	}
	for len(stored) < r.Count {
		err := is.record(ctx, p, missing(stored, r.Count))
		if errors.Is(err, errRuleChanged) && ctx.Err() == nil { // see store
			is.rules.forget(p.series.Tenant, p.series.Name)
			p, err = is.prepareNumbers(ctx, r, id)
		}
		if err != nil && len(stored) > 0 {
			err = outcomeUnknown(err)
		}
		if err != nil {
			return ExternalNumbers{}, err
		}
		if stored, err = is.DB.findItems(ctx, r, id); err != nil {
			return ExternalNumbers{}, outcomeUnknown(err)
		}
	}
	out := externalNumbers(stored, !fresh)
	if fresh {
		out.RangeLeft = is.warn(p, highestOf(stored))
	}
	return out, nil
}

func highestOf(items []item) (highest int64) {
	for _, i := range items {
		highest = max(highest, i.Number)
	}
	return highest
}

// prepareNumbers derives what the rows of r have in common.
func (is *Issuer) prepareNumbers(ctx context.Context, r NumbersRequest, id string) (*prepared, error) {
	at := is.now()
	if r.IssueDate == "" {
		r.IssueDate = at.In(r.Identity.zone()).Format(time.DateOnly)
	}
	if err := document.CheckNumbers(r.Count, r.IssueDate, r.Reference, at.In(r.Identity.zone())); err != nil {
		return nil, err
	}
	known, err := is.rule(ctx, r.Identity.Tenant, r.Series)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, fmt.Errorf("series %q: %w", r.Series, ErrNotFound)
	}
	if err := is.ranges.note(known.admit(r.IssueDate, at.In(r.Identity.zone()).Format(time.DateOnly))); err != nil {
		return nil, err
	}
	p := &prepared{
		rule: known,
		row: row{
			Kind: kindExternal, RequestID: id, Digest: r.Digest, KeyID: r.Identity.KeyID, Reference: r.Reference,
			CreatedAt: at, Draft: document.Draft{IssueDate: r.IssueDate, Series: r.Series},
		},
		series: counter.Series{Tenant: r.Identity.Tenant, Name: r.Series, Period: known.period.Period(r.IssueDate)},
		format: known.format,
	}
	if known.Numbering == numberingStrict {
		p.Strict = known.strictPlace(p.series)
	}
	return p, nil
}

// record takes a number for each of items and writes its row. Items whose number
// is used up, or whose holder was fenced, are left for another round; so are
// those that the same request records on another replica.
func (is *Issuer) record(ctx context.Context, p *prepared, items []int) error {
	rows, err := is.rowsFor(ctx, p, items)
	if err != nil {
		return err
	}
	var writing errgroup.Group
	for i := range rows {
		// In their order: rows of a strict series get their numbers as they come.
		e, err := is.Writer.submit(ctx, &rows[i])
		writing.Go(func() error {
			if err == nil {
				_, err = is.Writer.await(ctx, e)
			}
			switch {
			case errors.Is(err, errTaken) || errors.Is(err, errFenced):
				return ctx.Err()
			case errors.Is(err, errBelowRange): // the others wait for the same
				err = is.leaveBehind(ctx, p, p.Strict.Within.First-1)
			}
			return is.ranges.note(err)
		})
	}
	return outcomeUnknown(writing.Wait())
}

// rowsFor makes the row of each item, with its number unless the series is strict.
func (is *Issuer) rowsFor(ctx context.Context, p *prepared, items []int) ([]row, error) {
	rows := make([]row, len(items))
	for i, item := range items {
		rows[i] = p.row
		rows[i].Item, rows[i].Strict.More = item, len(items)-1-i
	}
	if p.strict() {
		return rows, nil
	}
	numbers, err := is.take(ctx, p, len(items))
	if err != nil {
		return nil, err
	}
	for i, n := range numbers {
		rows[i].Number, rows[i].Printed = n, p.print(n)
	}
	return rows, nil
}

// outcomeUnknown is what an error comes to once some of a request's rows may be
// stored: that nothing was, nobody may say.
func outcomeUnknown(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return err
}

// item is one number of a request, as it is stored.
type item struct {
	Item    int    `db:"item"`
	Kind    string `db:"kind"`
	Series  string `db:"series"`
	Period  string `db:"period"`
	Number  int64  `db:"number"`
	Printed string `db:"printed_number"`
	Digest  []byte `db:"digest"`

	IssueDate string `db:"issue_date"`
}

// findItems returns what is stored of r so far, in the order of the items.
func (db *DB) findItems(ctx context.Context, r NumbersRequest, id string) ([]item, error) {
	var items []item
	const query = `select item, kind, series, period, number, printed_number, digest, cast(issue_date as text) as issue_date
		from documents
		where tenant = $1 and request_id = $2 order by item`
	if err := db.lookUps.SelectContext(ctx, &items, query, r.Identity.Tenant, id); err != nil {
		return nil, wrap("look up a request for numbers", err)
	}
	for _, i := range items {
		if i.Kind != kindExternal || !bytes.Equal(i.Digest, r.Digest[:]) {
			return nil, ErrRequestReused
		}
	}
	return items, nil
}

// missing returns which of count items are not stored.
func missing(stored []item, count int) []int {
	have := make([]bool, count)
	for _, i := range stored {
		have[i.Item] = true
	}
	var items []int
	for i, has := range have {
		if !has {
			items = append(items, i)
		}
	}
	return items
}

func externalNumbers(items []item, replayed bool) ExternalNumbers {
	out := ExternalNumbers{Series: items[0].Series, Period: items[0].Period, Replayed: replayed}
	for _, i := range items {
		out.Numbers = append(out.Numbers, ExternalNumber{Number: i.Number, PrintedNumber: i.Printed})
	}
	return out
}
