package document

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Breakdown is what the parts of a document come to, each rounded as its totals
// are: for who prints it.
type Breakdown struct {
	Lines        []Part // each with its discounts taken off
	LinesNet     string // their sum
	Discounts    []string
	DiscountsSum string
	Charges      []string
	ChargesSum   string
}

// Part is what one line comes to.
type Part struct {
	Net       string
	Discounts []string
}

// BreakDown computes what the parts of an issued draft with these totals come to.
// Of a document of another system whose lines are not known, their sum is what the
// net leaves for them. It fails if d was never completed; that is nobody's bad input.
func BreakDown(d Draft, t Totals) (Breakdown, error) {
	digits, known := MinorDigits(d.Currency)
	c := &check{recorded: true, issued: true}
	p := c.figures(&d, digits)
	if err := c.err(); err != nil || !known {
		return Breakdown{}, fmt.Errorf("break down a document in %q: %v", d.Currency, err)
	}
	var b Breakdown
	sum := decimal.Zero
	for i := range p.lines {
		l := &p.lines[i]
		net := p.lineNet(l)
		sum = sum.Add(net)
		discounts, _ := p.amounts(l.discounts, l.quantity.Mul(l.price).Round(p.digits))
		b.Lines = append(b.Lines, Part{Net: net.StringFixed(p.digits), Discounts: discounts})
	}
	b.Discounts, b.DiscountsSum = p.amounts(p.discounts, sum)
	b.Charges, b.ChargesSum = p.amounts(p.charges, sum)
	if len(d.Lines) == 0 {
		net, err := decimal.NewFromString(t.Net)
		if err != nil {
			return Breakdown{}, fmt.Errorf("break down a document: read its net: %w", err)
		}
		sum = net.Add(decimal.RequireFromString(b.DiscountsSum)).Sub(decimal.RequireFromString(b.ChargesSum))
	}
	b.LinesNet = sum.StringFixed(p.digits)
	return b, nil
}

// amounts is what adjustments come to, each and together, given what a percentage
// is of.
func (p *figures) amounts(all []adjustment, of decimal.Decimal) (each []string, sum string) {
	whole := decimal.Zero
	for _, a := range all {
		amount := p.amount(a, of)
		whole = whole.Add(amount)
		each = append(each, amount.StringFixed(p.digits))
	}
	return each, whole.StringFixed(p.digits)
}
