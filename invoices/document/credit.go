package document

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// ErrOverCredited: a credit note would take more of an invoice, or of one of its
// lines, than is left of it.
var ErrOverCredited = errors.New("the credit note would take more than is left of the invoice or of one of its lines")

// ErrNothingLeft: an invoice is credited in full.
var ErrNothingLeft = errors.New("the invoice is credited in full already, nothing is left of it")

// CreditLine says how much of a line is credited.
type CreditLine struct {
	Line     int    `json:"line"`     // its index in the invoice, from 0
	Quantity string `json:"quantity"` // decimal, with the sign of the line's
}

// Credited is what one credit note took of its invoice.
type Credited struct {
	Lines  []CreditLine
	Totals Totals
}

// Invoiced is an issued invoice with what was credited of it so far.
type Invoiced struct {
	Draft   Draft
	Totals  Totals
	Printed string // its printed number
	Earlier []Credited
}

// Note is what a credit note says of itself.
type Note struct {
	Lines     []Line
	Discounts []Adjustment
	Charges   []Adjustment
	Totals    Totals
	Taken     []CreditLine // what it takes of each line
	Closes    bool         // nothing is left of the invoice after it
}

// Credit makes the credit note of the quantities in want, of one line at most
// once each; "" is what is left of the line. Without any, and when what is
// wanted is all that is left of every line, it is the note of the rest.
//
// A note of a part copies the lines with the credited quantity, and percentages
// of discounts and charges. An amount of a line's discount comes with the note
// that takes the last of the line, an amount of the document with the rest. The
// rest is a difference: the invoice's base and tax of each category and rate,
// less those of the notes before. So the notes of an invoice add up to it,
// whatever was rounded.
//
// Errors: *InvalidError with pointers into the list of lines, ErrOverCredited,
// ErrNothingLeft.
func (i Invoiced) Credit(want []CreditLine) (Note, error) {
	c, err := i.crediting()
	if err != nil {
		return Note{}, err
	}
	switch {
	case c.closed():
		return Note{}, ErrNothingLeft
	case len(want) == 0:
		return c.rest()
	}
	taken, err := c.wanted(want)
	if err != nil {
		return Note{}, err
	}
	if c.takesAll(taken) {
		return c.rest()
	}
	return c.part(taken)
}

// crediting is an Invoiced, parsed.
type crediting struct {
	Invoiced
	digits   int32
	quantity []decimal.Decimal // of each line, as invoiced
	left     []decimal.Decimal // of that, what is not credited yet
	whole    sums              // the invoice's
	open     sums              // of that, what is not credited yet
}

func (i Invoiced) crediting() (*crediting, error) {
	c := &crediting{Invoiced: i}
	c.digits, _ = MinorDigits(i.Draft.Currency)
	for _, l := range i.Draft.Lines {
		q, err := decimal.NewFromString(l.Quantity)
		if err != nil {
			return nil, fmt.Errorf("read the quantity of a line: %w", err)
		}
		c.quantity, c.left = append(c.quantity, q), append(c.left, q)
	}
	var err error
	if c.whole, err = sumsOf(i.Totals); err != nil {
		return nil, err
	}
	c.open = c.whole.clone()
	for _, e := range i.Earlier {
		taken, err := sumsOf(e.Totals)
		if err != nil {
			return nil, err
		}
		c.open.subtract(taken)
		for _, l := range e.Lines {
			q, err := decimal.NewFromString(l.Quantity)
			if err != nil || l.Line < 0 || l.Line >= len(c.left) {
				return nil, fmt.Errorf("read what was credited of line %d: %w", l.Line, err)
			}
			c.left[l.Line] = c.left[l.Line].Sub(q)
		}
	}
	return c, nil
}

// closed reports whether nothing is left: no money, and no quantity either of an
// invoice that comes to nothing anyway.
func (c *crediting) closed() bool {
	return len(c.Earlier) > 0 && c.open.empty() && (!c.whole.gross.IsZero() || c.takesAll(make([]*decimal.Decimal, len(c.left))))
}

// takesAll reports whether no line is left with a quantity after taken.
func (c *crediting) takesAll(taken []*decimal.Decimal) bool {
	for i, left := range c.left {
		if !left.IsZero() && (taken[i] == nil || !taken[i].Equal(left)) {
			return false
		}
	}
	return true
}

// line copies line i with another quantity; last tells that it is the last of
// the line.
func (c *crediting) line(i int, q decimal.Decimal, last bool) Line {
	l := c.Draft.Lines[i]
	if !q.Equal(c.quantity[i]) {
		l.Quantity = q.String()
	}
	if !last {
		l.Discounts = percentages(l.Discounts)
	}
	return l
}

func percentages(all []Adjustment) (some []Adjustment) {
	for _, a := range all {
		if a.Percent != "" {
			some = append(some, a)
		}
	}
	return some
}

// part is a note after which something is left.
func (c *crediting) part(taken []*decimal.Decimal) (Note, error) {
	n := Note{Discounts: percentages(c.Draft.Discounts), Charges: percentages(c.Draft.Charges)}
	for i, q := range taken {
		if q != nil {
			l := c.line(i, *q, q.Equal(c.left[i]))
			n.Lines = append(n.Lines, l)
			n.Taken = append(n.Taken, CreditLine{Line: i, Quantity: l.Quantity})
		}
	}
	totals, err := c.compute(n)
	if err != nil {
		return Note{}, err
	}
	n.Totals = totals
	took, err := sumsOf(totals)
	if err != nil {
		return Note{}, err
	}
	c.open.subtract(took)
	if !within(c.open.gross, c.whole.gross) {
		return Note{}, ErrOverCredited
	}
	n.Closes = !c.whole.gross.IsZero() && c.open.empty() // that quantities are left is no matter
	return n, nil
}

// within reports whether left lies between 0 and whole.
func within(left, whole decimal.Decimal) bool {
	if whole.IsNegative() {
		left, whole = left.Neg(), whole.Neg()
	}
	return !left.IsNegative() && !left.GreaterThan(whole)
}

// compute returns the totals of a note by the rules of any document.
func (c *crediting) compute(n Note) (Totals, error) {
	d := Draft{Lines: n.Lines, Discounts: n.Discounts, Charges: n.Charges}
	var bad check
	f := bad.figures(&d, c.digits)
	if len(bad.bad) > 0 {
		return Totals{}, fmt.Errorf("compute a credit note: %w", &InvalidError{Fields: bad.bad})
	}
	return f.totals()
}

// rest is the note after which nothing is left.
func (c *crediting) rest() (Note, error) {
	if len(c.Earlier) == 0 {
		d := c.Draft
		return Note{Lines: d.Lines, Discounts: d.Discounts, Charges: d.Charges, Totals: c.Totals, Taken: c.allThatIsLeft(), Closes: true}, nil
	}
	n := Note{Taken: c.allThatIsLeft(), Closes: true}
	for _, l := range n.Taken {
		n.Lines = append(n.Lines, c.line(l.Line, c.left[l.Line], true))
	}
	totals, err := c.compute(n)
	if err != nil {
		return Note{}, err
	}
	lines, err := sumsOf(totals)
	if err != nil {
		return Note{}, err
	}
	c.balance(&n, lines)
	c.open.keep(lines)
	n.Totals = c.open.print(c.digits)
	return n, nil
}

func (c *crediting) allThatIsLeft() []CreditLine {
	var all []CreditLine
	for i, left := range c.left {
		if !left.IsZero() || len(c.Earlier) == 0 {
			q := c.Draft.Lines[i].Quantity
			if !left.Equal(c.quantity[i]) {
				q = left.String()
			}
			all = append(all, CreditLine{Line: i, Quantity: q})
		}
	}
	return all
}

// balance adds to a note with the sums of its lines the discounts and charges
// that make its bases those that are left.
func (c *crediting) balance(n *Note, lines sums) {
	reason := "Rest of " + c.Printed
	for _, g := range c.open.groups {
		missing := g.base.Sub(lines.of(g.tax).base)
		tax := Tax{Category: g.tax.category, Rate: g.tax.printed}
		switch amount := missing.Abs().StringFixed(c.digits); {
		case missing.IsPositive():
			n.Charges = append(n.Charges, Adjustment{Amount: amount, Reason: reason, Tax: &tax})
		case missing.IsNegative():
			n.Discounts = append(n.Discounts, Adjustment{Amount: amount, Reason: reason, Tax: &tax})
		}
	}
}
