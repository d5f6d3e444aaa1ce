package deep

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"folio/invoices/document"
)

// Account is an invoice with what was credited of it: the document, the account
// that the credit notes are booked on, and what each note took, read in one
// snapshot.
type Account struct {
	Invoice *Row // nil: there is no such issued document
	Booked  *Booked
	Noted   []Noted // in the order of their places
}

// Booked is the row of an account; nil in [Account] if there is none.
type Booked struct {
	Gross, Credited string
	Notes           int64
	Closed          bool
}

// Noted is what one credit note took.
type Noted struct {
	Place  int64
	Note   string // series, period and number of the credit note, for people
	Lines  []byte // JSON [{line, quantity}]
	Totals []byte // JSON
	Row    *Row   // the credit note; nil: there is no such issued document
	Linked bool   // it says itself that it credits this invoice
}

// Check names where invoice, account and credit notes disagree. Each note is
// computed again from the invoice and the notes before it. Where nothing is booked or
// noted nothing can disagree: a document that credits it all the same is at fault
// itself.
func (a *Account) Check() []Fault {
	if a.Booked == nil && len(a.Noted) == 0 {
		return nil
	}
	c := accountCheck{a: a}
	c.invoice()
	c.notes()
	c.booked()
	return c.faults
}

type accountCheck struct {
	a      *Account
	sum    decimal.Decimal // gross of the notes
	closed bool            // the latest note that could be computed again leaves nothing
	known  bool            // whether closed is known
	faults []Fault
}

func (c *accountCheck) fail(format string, args ...any) {
	c.faults = append(c.faults, Fault{Kind: KindCredits, Text: fmt.Sprintf(format, args...)})
}

func (c *accountCheck) invoice() {
	a := c.a
	switch {
	case a.Invoice == nil:
		c.fail("something is credited of it, but there is no such document")
	case a.Invoice.Kind != invoice:
		c.fail("something is credited of it, but it is of kind %s", a.Invoice.Kind)
	case a.Booked != nil && !sameAmount(a.Booked.Gross, a.Invoice.Gross):
		c.fail("its account is opened for %s, the invoice comes to %s", a.Booked.Gross, a.Invoice.Gross)
	}
	if a.Booked == nil {
		c.fail("there are credit notes of it, but no account that they are booked on")
	}
}

func (c *accountCheck) notes() {
	base, readable := c.invoiced()
	for i, n := range c.a.Noted {
		if n.Place != int64(i)+1 {
			c.fail("credit note %s has place %d, after %d before it", n.Note, n.Place, i)
		}
		took, err := n.took()
		if err != nil {
			c.fail("what credit note %s took cannot be read: %v", n.Note, err)
			readable = false
			continue
		}
		c.note(n, took)
		if readable {
			c.again(base, n, took)
		}
		base.Earlier = append(base.Earlier, took)
	}
}

// invoiced is the invoice for computing notes of it; false if it cannot be read,
// which is a fault of its own.
func (c *accountCheck) invoiced() (document.Invoiced, bool) {
	if c.a.Invoice == nil || c.a.Invoice.Kind != invoice {
		return document.Invoiced{}, false
	}
	said, err := decode(c.a.Invoice.Content)
	return document.Invoiced{Draft: said.Draft, Totals: said.Totals, Printed: c.a.Invoice.Printed}, err == nil
}

func (n *Noted) took() (document.Credited, error) {
	var took document.Credited
	err := json.Unmarshal(n.Lines, &took.Lines)
	return took, errors.Join(err, json.Unmarshal(n.Totals, &took.Totals))
}

// note holds the credit note against what is noted of it.
func (c *accountCheck) note(n Noted, took document.Credited) {
	if gross, err := decimal.NewFromString(took.Totals.Gross); err == nil {
		c.sum = c.sum.Add(gross)
	} else {
		c.fail("of credit note %s the gross %q is noted, which is no amount", n.Note, took.Totals.Gross)
	}
	switch {
	case n.Row == nil:
		c.fail("credit note %s is noted, but there is no such document", n.Note)
		return
	case n.Row.Kind != creditNote || !n.Linked:
		c.fail("document %s is noted as a credit note of it, which it does not say itself", n.Note)
		return
	}
	if said, err := decode(n.Row.Content); err == nil && !sameTotals(said.Totals, took.Totals) {
		c.fail("credit note %s says %s, and %s is noted of it", n.Note, totalsText(said.Totals), totalsText(took.Totals))
	}
}

// again computes a note anew. Of one that was moved in its lines are not known.
func (c *accountCheck) again(base document.Invoiced, n Noted, took document.Credited) {
	c.known = false
	if len(took.Lines) == 0 && bytes.HasPrefix(bytes.TrimSpace(n.Lines), []byte("[")) || n.Row == nil {
		return
	}
	want, err := compute(base, took.Lines)
	if err != nil {
		c.fail("credit note %s cannot be computed from the invoice and the notes before it: %v", n.Note, err)
		return
	}
	c.closed, c.known = want.Closes, true
	if !sameTotals(want.Totals, took.Totals) {
		c.fail("credit note %s comes to %s, but of the invoice it would be %s", n.Note, totalsText(took.Totals), totalsText(want.Totals))
	}
	said, err := decode(n.Row.Content)
	if err == nil && !sameLines(said.Draft, want) {
		c.fail("the lines of credit note %s are not those of the invoice that it takes", n.Note)
	}
}

// compute makes the note that took these lines. All that was left is the rest,
// whether its lines were named or not.
func compute(base document.Invoiced, lines []document.CreditLine) (document.Note, error) {
	rest, err := base.Credit(nil)
	if err == nil && sameTaken(rest.Taken, lines) {
		return rest, nil
	}
	return base.Credit(lines)
}

func sameTaken(a, b []document.CreditLine) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Line != b[i].Line || !sameAmount(a[i].Quantity, b[i].Quantity) {
			return false
		}
	}
	return true
}

func sameLines(said document.Draft, n document.Note) bool {
	type parts struct {
		Lines              []document.Line
		Discounts, Charges []document.Adjustment
	}
	one, errOne := json.Marshal(parts{said.Lines, said.Discounts, said.Charges})
	other, errOther := json.Marshal(parts{n.Lines, n.Discounts, n.Charges})
	return errOne == nil && errOther == nil && bytes.Equal(one, other)
}

// booked holds the account against its notes.
func (c *accountCheck) booked() {
	b := c.a.Booked
	if b == nil {
		return
	}
	if b.Notes != int64(len(c.a.Noted)) {
		c.fail("its account counts %d credit notes, %d are noted", b.Notes, len(c.a.Noted))
	}
	gross, errGross := decimal.NewFromString(b.Gross)
	credited, errCredited := decimal.NewFromString(b.Credited)
	if errGross != nil || errCredited != nil {
		c.fail("its account has credited %q of %q, which are no amounts", b.Credited, b.Gross)
		return
	}
	if !credited.Equal(c.sum) {
		c.fail("its account has %s credited, its credit notes come to %s", b.Credited, c.sum)
	}
	if left := gross.Sub(credited); left.Sign()*gross.Sign() < 0 || credited.Sign()*gross.Sign() < 0 || gross.IsZero() && !credited.IsZero() {
		c.fail("its account has %s credited, which is not within its gross, %s", b.Credited, b.Gross)
	}
	switch {
	case b.Closed && !credited.Equal(gross):
		c.fail("its account is closed, but %s of %s is credited", b.Credited, b.Gross)
	case c.known && c.closed != b.Closed:
		c.fail("its account is closed: %t; after its latest credit note it should be: %t", b.Closed, c.closed)
	}
}
