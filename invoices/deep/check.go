package deep

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"folio/invoices/document"
)

// checker collects what is wrong with one row.
type checker struct {
	series  *Series
	row     *Row
	movedIn bool
	faults  []Fault
}

func (c *checker) fail(kind, format string, args ...any) {
	c.faults = append(c.faults, Fault{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) block() {
	r := c.row
	switch {
	case r.BlockFirst == 0 && !c.series.Strict && !c.movedIn:
		c.fail(KindBlock, "it was taken from no block, and no import brought it")
	case r.BlockFirst != 0 && (r.Number < r.BlockFirst || r.Number > r.BlockLast):
		c.fail(KindBlock, "it says that it was taken from the block %d-%d, in which it does not lie", r.BlockFirst, r.BlockLast)
	}
}

// date holds the period against the date: the rule of a series that is used does
// not change.
func (c *checker) date() {
	date := c.row.IssueDate
	switch {
	case !document.IsDate(date):
		c.fail(KindPeriod, "its issue date, %s, is no day that a document can have", date)
	case c.series.Restarts != "" && c.series.Restarts.Period(date) != c.series.Period:
		c.fail(KindPeriod, "it is dated %s and lies in the period %q; the rule of the series is %s", date, c.series.Period, c.series.Restarts)
	}
}

func (c *checker) printed() {
	r, s := c.row, c.series
	if c.movedIn || len(s.Formats) == 0 || !document.IsDate(r.IssueDate) {
		return
	}
	of := document.Fields{IssueDate: r.IssueDate, Series: s.Name, Tenant: s.Tenant}
	prints := func(f document.Format) bool { return f.Print(r.Number, of) == r.Printed }
	if !slices.ContainsFunc(s.Formats, prints) {
		c.fail(KindPrinted, "it is printed %q; the format of the series gives %q, and none that it had before gives what is printed",
			r.Printed, s.Formats[0].Print(r.Number, of))
	}
}

// content is what the content column holds.
type content struct {
	document.Draft
	Seller *document.Party `json:"seller"`
	Totals document.Totals `json:"totals"`
}

func decode(text []byte) (c content, err error) {
	err = json.Unmarshal(text, &c)
	return c, err
}

func (c *checker) document() {
	said, err := decode(c.row.Content)
	if err != nil {
		c.fail(KindContent, "its content cannot be read: %v", err)
		return
	}
	c.columns(&said)
	c.totals(&said)
}

// columns holds what stands beside the content against it.
func (c *checker) columns(said *content) {
	r := c.row
	for _, pair := range []struct{ column, beside, inside string }{
		{"series", c.series.Name, said.Series},
		{"issue_date", r.IssueDate, said.IssueDate},
		{"currency", r.Currency, said.Currency},
	} {
		if pair.beside != pair.inside {
			c.fail(KindColumns, "its %s is %q in the table and %q in its content", pair.column, pair.beside, pair.inside)
		}
	}
	for _, pair := range []struct{ column, beside, inside string }{
		{"net", r.Net, said.Totals.Net},
		{"tax", r.Tax, said.Totals.Tax},
		{"gross", r.Gross, said.Totals.Gross},
	} {
		if !sameAmount(pair.beside, pair.inside) {
			c.fail(KindColumns, "its %s is %s in the table and %q in its content", pair.column, pair.beside, pair.inside)
		}
	}
}

// totals holds the totals against the lines, as they were computed at the issue.
// Those of a credit note may be what others before it left: then the account of
// its invoice tells.
func (c *checker) totals(said *content) {
	t := said.Totals
	if !addUp(t.Net, t.Tax, t.Gross) {
		c.fail(KindTotals, "net %q and tax %q do not add up to the gross %q", t.Net, t.Tax, t.Gross)
		return
	}
	if c.movedIn || c.row.Credits != "" {
		return
	}
	want, err := document.Recompute(said.Draft)
	if err != nil {
		c.fail(KindTotals, "its totals cannot be computed from its lines: %v", err)
		return
	}
	if !sameTotals(t, want) {
		c.fail(KindTotals, "its totals are %s, its lines come to %s", totalsText(t), totalsText(want))
	}
}

func sameTotals(a, b document.Totals) bool {
	return a.Net == b.Net && a.Tax == b.Tax && a.Gross == b.Gross && slices.Equal(a.Taxes, b.Taxes)
}

func totalsText(t document.Totals) string {
	text := fmt.Sprintf("net %s, tax %s, gross %s", t.Net, t.Tax, t.Gross)
	for _, part := range t.Taxes {
		text += fmt.Sprintf("; %s %s %%: %s of %s", part.Category, part.Rate, part.Amount, part.Base)
	}
	return text
}

// sameAmount compares two decimals by value.
func sameAmount(a, b string) bool {
	if a == b {
		return a != ""
	}
	x, errX := decimal.NewFromString(a)
	y, errY := decimal.NewFromString(b)
	return errX == nil && errY == nil && x.Equal(y)
}

func addUp(net, tax, gross string) bool {
	n, errNet := decimal.NewFromString(net)
	t, errTax := decimal.NewFromString(tax)
	g, errGross := decimal.NewFromString(gross)
	return errNet == nil && errTax == nil && errGross == nil && n.Add(t).Equal(g)
}
