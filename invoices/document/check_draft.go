package document

import (
	"slices"
	"strings"
	"time"
)

// draft checks everything and returns the figures, parsed.
func (c *check) draft(d *Draft) *figures {
	c.series(d.Series)
	if d.IssueDate != "" || !c.partial {
		c.issueDate(d.IssueDate)
	}
	if d.DueDate != "" {
		c.date("/due_date", d.DueDate)
	}
	digits := c.currency(d.Currency)
	c.customer(&d.Customer)
	c.text(root("/note"), d.Note, MaxNote)
	c.metadata(d.Metadata)
	return c.figures(d, digits)
}

// figures checks and parses what the totals are computed from.
func (c *check) figures(d *Draft, digits int32) *figures {
	p := &figures{digits: digits}
	switch n := len(d.Lines); {
	case n == 0 && c.recorded:
	case n == 0:
		c.missing("/lines", "is required: an invoice has at least one line")
	case n > MaxLines:
		c.fail("/lines", "has %d lines; at most %d are allowed", n, MaxLines)
	default:
		p.lines = make([]lineFigures, n)
		lines := root("/lines")
		for i := range d.Lines {
			p.lines[i] = c.line(lines.nth(i), &d.Lines[i])
		}
	}
	p.discounts = c.adjustments(root("/discounts"), d.Discounts, true)
	p.charges = c.adjustments(root("/charges"), d.Charges, true)
	return p
}

func (c *check) line(at pointer, l *Line) lineFigures {
	c.required(at.to("/description"), l.Description, MaxDescription)
	c.text(at.to("/unit"), l.Unit, MaxUnit)
	return lineFigures{
		quantity:  c.decimal(at.to("/quantity"), l.Quantity),
		price:     c.decimal(at.to("/unit_price"), l.UnitPrice),
		discounts: c.adjustments(at.to("/discounts"), l.Discounts, false),
		tax:       c.tax(at.to("/tax"), l.Tax),
	}
}

func (c *check) customer(u *Customer) {
	c.required(root("/customer/name"), u.Name, MaxName)
	c.text(root("/customer/tax_id"), u.TaxID, MaxTaxID)
	c.text(root("/customer/email"), u.Email, MaxEmail)
	if u.Email != "" && (strings.Count(u.Email, "@") != 1 || strings.Trim(u.Email, "@") != u.Email || strings.ContainsAny(u.Email, " \t\r\n")) {
		c.fail("/customer/email", "is no email address: want one @ and no spaces")
	}
	c.address(root("/customer/address"), u.Address)
}

func (c *check) address(at pointer, a *Address) {
	if a == nil {
		return
	}
	c.text(at.to("/street"), a.Street, MaxStreet)
	c.text(at.to("/locality"), a.Locality, MaxLocality)
	c.text(at.to("/region"), a.Region, MaxRegion)
	c.text(at.to("/postal_code"), a.PostalCode, MaxPostalCode)
	if a.Country != "" && !isCountry(a.Country) {
		c.fail(at.to("/country").String(), "is no country code of ISO 3166-1: want two capital letters, such as AT")
	}
}

func (c *check) metadata(all map[string]string) {
	if len(all) > MaxMetadata {
		c.fail("/metadata", "has %d keys; at most %d are allowed", len(all), MaxMetadata)
		return
	}
	keys := make([]string, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys) // errors come in one order
	for _, k := range keys {
		at := root("/metadata/" + escapePointer(k))
		if k == "" {
			c.fail(at.String(), "has an empty name; give it one")
		}
		c.text(at, k, MaxKey)
		c.text(at, all[k], MaxValue)
	}
}

// escapePointer writes a name as a part of a JSON pointer (RFC 6901).
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func (c *check) series(name string) {
	if len(name) > MaxSeriesName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
		strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		c.fail("/series", "is no name of a series: want up to %d lower-case letters, digits and hyphens", MaxSeriesName)
	}
}

func (c *check) currency(code string) (digits int32) {
	if code == "" {
		c.missing("/currency", "is required: a code of ISO 4217, such as EUR")
		return 0
	}
	digits, ok := MinorDigits(code)
	if !ok {
		c.fail("/currency", "is no currency code of ISO 4217: want three capital letters, such as EUR")
	}
	return digits
}

// issueDate allows dates up to a year ahead.
func (c *check) issueDate(text string) {
	if !c.date("/issue_date", text) {
		return
	}
	if latest := c.now.AddDate(1, 0, 0).Format(time.DateOnly); text > latest {
		c.fail("/issue_date", "is more than a year ahead; the latest is %s", latest)
	}
}

// IsDate reports whether text is a day that a document can have, YYYY-MM-DD.
func IsDate(text string) bool {
	var c check
	return c.date("", text)
}

// date accepts YYYY-MM-DD if there is such a day.
func (c *check) date(at, text string) bool {
	if len(text) != len(time.DateOnly) || strings.Trim(text, "0123456789-") != "" {
		c.fail(at, "is no date: want YYYY-MM-DD")
		return false
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		c.fail(at, "is no day of the calendar: want YYYY-MM-DD")
		return false
	}
	if text < firstDate || text > lastDate {
		c.fail(at, "is out of bounds: want %s to %s", firstDate, lastDate)
		return false
	}
	return true
}
