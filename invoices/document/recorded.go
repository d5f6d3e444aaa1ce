package document

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// CompleteRecorded checks a document that was issued by another system, and fills
// in what follows from the rest. Unlike [Complete] it lets lines be absent, and
// keeps the totals that the document bears, however they were rounded: they are
// what was printed. Any two of net, tax and gross give the third; without any of
// them they are computed from the lines. The issue date is required.
//
// The error is an *InvalidError that names every bad field, up to 50.
func CompleteRecorded(d Draft, t Totals, now time.Time) (Draft, Totals, error) {
	c := &check{now: now, recorded: true}
	if d.IssueDate == "" {
		c.fail("/issue_date", "is required: the day it was issued, YYYY-MM-DD")
		d.IssueDate = firstDate
	}
	p := c.draft(&d)
	unsaid := t.Net == "" && t.Tax == "" && t.Gross == ""
	if unsaid && len(d.Lines) == 0 {
		c.fail("/totals", "are required of a document without lines: two of net, tax and gross")
	}
	if !unsaid {
		t = c.recordedTotals(t, p.digits)
	}
	if len(c.bad) > 0 {
		return Draft{}, Totals{}, &InvalidError{Fields: c.bad}
	}
	if unsaid {
		var err error
		if t, err = p.totals(); err != nil {
			return Draft{}, Totals{}, err
		}
	}
	if d.Lines == nil {
		d.Lines = []Line{}
	}
	return withRates(d), t, nil
}

// recordedTotals checks totals as they were printed.
func (c *check) recordedTotals(t Totals, digits int32) Totals {
	bad := len(c.bad)
	net, tax, gross := c.money("/totals/net", t.Net, digits), c.money("/totals/tax", t.Tax, digits), c.money("/totals/gross", t.Gross, digits)
	switch {
	case len(c.bad) > bad:
	case t.Net == "" && t.Tax == "" || t.Net == "" && t.Gross == "" || t.Tax == "" && t.Gross == "":
		c.fail("/totals", "need two of net, tax and gross")
	case t.Net == "":
		net = gross.Sub(tax)
	case t.Tax == "":
		tax = gross.Sub(net)
	case t.Gross == "":
		gross = net.Add(tax)
	case !net.Add(tax).Equal(gross):
		c.fail("/totals/gross", "is %s, but net and tax add up to %s", t.Gross, net.Add(tax).StringFixed(digits))
	}
	done := Totals{Net: net.StringFixed(digits), Tax: tax.StringFixed(digits), Gross: gross.StringFixed(digits), Taxes: []TaxTotal{}}
	for _, part := range t.Taxes {
		const at = "/totals/taxes"
		c.tax(root(at), Tax{Category: part.Category, Rate: part.Rate})
		done.Taxes = append(done.Taxes, TaxTotal{
			Category: part.Category, Rate: part.Rate,
			Base:   c.money(at+"/base", part.Base, digits).StringFixed(digits),
			Amount: c.money(at+"/amount", part.Amount, digits).StringFixed(digits),
		})
	}
	return done
}

// money reads an amount that may be absent and has no more digits than its
// currency, nor than a total.
func (c *check) money(at, s string, digits int32) decimal.Decimal {
	if s == "" {
		return decimal.Zero
	}
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	switch {
	case !digitsOnly(whole) || point && !digitsOnly(fraction):
		c.fail(at, "is no decimal number: want a string of digits such as \"12.50\", without exponent, plus or spaces")
	case len(whole) > maxTotalDigits:
		c.fail(at, "has %d digits before the point; at most %d are allowed", len(whole), maxTotalDigits)
	case len(strings.TrimRight(fraction, "0")) > int(digits):
		c.fail(at, "has more than the %d minor digits of its currency", digits)
	default:
		return decimal.RequireFromString(s)
	}
	return decimal.Zero
}

// TextFault says what keeps s from being stored and printed; "" if nothing does.
func TextFault(s string, most int) string {
	var c check
	c.text(pointer{}, s, most)
	if len(c.bad) > 0 {
		return c.bad[0].Detail
	}
	return ""
}

// LineFault is TextFault for what is printed in one line, such as a number.
func LineFault(s string, most int) string {
	if fault := TextFault(s, most); fault != "" {
		return fault
	}
	if strings.ContainsAny(s, "\t\r\n") {
		return "has a tab or a line break; leave it out"
	}
	return ""
}
