package document

import (
	"fmt"
	"time"
)

// DefaultCreditSeries is the series of a credit note for which none is named.
const DefaultCreditSeries = "credit-note"

// Cancellation is what a client asks the credit note of an invoice to be.
type Cancellation struct {
	Reason    string       `json:"reason,omitempty"`     // the note of the credit note
	Series    string       `json:"series,omitempty"`     // default "credit-note"
	IssueDate string       `json:"issue_date,omitempty"` // default today, or the invoice's if that is later
	Lines     []CancelLine `json:"lines,omitempty"`      // nil: all that is left
}

// CancelLine names a line of the invoice, and how much of it to credit.
type CancelLine struct {
	Line     *int   `json:"line"`               // its index, from 0
	Quantity string `json:"quantity,omitempty"` // default what is left of the line
}

// Complete checks the cancellation of an invoice and fills in its defaults. now
// is the present moment in the tenant's time zone. The error is an *InvalidError.
func (c Cancellation) Complete(of Draft, now time.Time) (Cancellation, error) {
	if c.Series == "" {
		c.Series = DefaultCreditSeries
	}
	if c.IssueDate == "" {
		c.IssueDate = max(now.Format(time.DateOnly), of.IssueDate)
	}
	bad := &check{now: now}
	bad.text(root("/reason"), c.Reason, MaxReason)
	bad.series(c.Series)
	bad.issueDate(c.IssueDate)
	if len(bad.bad) == 0 && c.IssueDate < of.IssueDate {
		bad.fail("/issue_date", "is before %s, the issue date of the invoice", of.IssueDate)
	}
	switch {
	case len(c.Lines) > MaxLines:
		bad.fail("/lines", "has %d entries; at most %d are allowed", len(c.Lines), MaxLines)
	case c.Lines != nil && len(c.Lines) == 0:
		bad.fail("/lines", "is empty; leave it out to credit all that is left")
	}
	for i, l := range c.Lines {
		if l.Line == nil {
			bad.fail(fmt.Sprintf("/lines/%d/line", i), "is required: the index of a line of the invoice, from 0")
		}
	}
	if len(bad.bad) > 0 {
		return Cancellation{}, &InvalidError{Fields: bad.bad}
	}
	return c, nil
}

// Wanted returns what is to be credited of each line; nil for all that is left.
// The cancellation is complete.
func (c Cancellation) Wanted() []CreditLine {
	var all []CreditLine
	for _, l := range c.Lines {
		all = append(all, CreditLine{Line: *l.Line, Quantity: l.Quantity})
	}
	return all
}
