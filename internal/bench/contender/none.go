package contender

import (
	"context"

	"folio/invoices"
	"folio/invoices/document"
)

// none stores nothing: what the handler, its JSON and its totals cost by themselves.
type none struct{ numbers *strides }

func newNone(c Config) (way, error) {
	return none{numbers: &strides{by: int64(c.Replicas), replica: int64(c.Replica)}}, nil
}

func (w none) store(context.Context, *row) (int64, error) { return w.numbers.next(), nil }

func (w none) repeated(context.Context, *row) (invoices.Issued, error) {
	return invoices.Issued{}, errNew // nothing is ever known
}

func (w none) close() error { return nil }

// bareNumbers is an httpapi.Numbers that records nothing.
type bareNumbers struct{ numbers *strides }

// TakeNumbers implements httpapi.Numbers.
func (b bareNumbers) TakeNumbers(_ context.Context, r invoices.NumbersRequest) (invoices.ExternalNumbers, error) {
	now := nowIn(r.Identity)
	if r.IssueDate == "" {
		r.IssueDate = now.Format("2006-01-02")
	}
	if err := document.CheckNumbers(r.Count, r.IssueDate, r.Reference, now); err != nil {
		return invoices.ExternalNumbers{}, err
	}
	out := invoices.ExternalNumbers{Series: r.Series, Period: document.PeriodYear.Period(r.IssueDate)}
	made := row{prefix: r.Series + "-" + out.Period + "-"}
	for range r.Count {
		n := b.numbers.next()
		out.Numbers = append(out.Numbers, invoices.ExternalNumber{Number: n, PrintedNumber: made.printed(n)})
	}
	return out, nil
}

// VoidExternal implements httpapi.Numbers: nothing is ever known.
func (b bareNumbers) VoidExternal(context.Context, invoices.Identity, string, string, int64, string) (invoices.Annulment, error) {
	return invoices.Annulment{}, invoices.ErrNotFound
}
