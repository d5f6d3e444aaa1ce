package document

import (
	"fmt"
	"slices"
	"time"
)

// DefaultSeries is the series of a draft that names none.
const DefaultSeries = "invoice"

// Complete checks d, fills in its defaults (series, issue date, rates of 0) and
// computes its totals. now is the present moment in the tenant's time zone. What
// was sent is returned as it was sent; d's slices and maps are not changed.
//
// The error is an *InvalidError that names every bad field, up to 50.
func Complete(d Draft, now time.Time) (Draft, Totals, error) {
	if d.Series == "" {
		d.Series = DefaultSeries
	}
	if d.IssueDate == "" {
		d.IssueDate = now.Format(time.DateOnly)
	}
	c := &check{now: now}
	p := c.draft(&d)
	if err := c.err(); err != nil {
		return Draft{}, Totals{}, err
	}
	totals, err := p.totals()
	if err != nil {
		return Draft{}, Totals{}, err
	}
	return withRates(d), totals, nil
}

// CheckPartial checks what d says, as Complete does, and asks for nothing that
// it does not say yet: a draft that is still being written. Whether the totals
// are too large shows when it is complete.
func CheckPartial(d Draft, now time.Time) error {
	c := &check{now: now, partial: true}
	c.draft(&d)
	if len(c.bad) > 0 {
		return &InvalidError{Fields: c.bad}
	}
	return nil
}

// withRates writes the rate 0 where it was left out, into copies.
func withRates(d Draft) Draft {
	if slices.ContainsFunc(d.Lines, func(l Line) bool { return l.Tax.Rate == "" }) {
		d.Lines = slices.Clone(d.Lines)
		for i := range d.Lines {
			d.Lines[i].Tax = withRate(d.Lines[i].Tax)
		}
	}
	d.Discounts = adjustmentsWithRates(d.Discounts)
	d.Charges = adjustmentsWithRates(d.Charges)
	return d
}

func adjustmentsWithRates(all []Adjustment) []Adjustment {
	all = slices.Clone(all)
	for i, a := range all {
		if a.Tax != nil {
			tax := withRate(*a.Tax)
			all[i].Tax = &tax
		}
	}
	return all
}

func withRate(t Tax) Tax {
	if t.Rate == "" {
		t.Rate = "0"
	}
	return t
}

// check collects what is wrong.
type check struct {
	now      time.Time
	partial  bool // what is missing is no fault
	recorded bool // it was issued elsewhere: its lines may be unknown
	issued   bool // it is only read: what balances a credit note adds to what was sent
	bad      []FieldError
}

// missing is fail for a field that says nothing.
func (c *check) missing(pointer, format string, args ...any) {
	if !c.partial {
		c.fail(pointer, format, args...)
	}
}

func (c *check) fail(pointer, format string, args ...any) {
	if len(c.bad) < maxFieldErrors {
		c.bad = append(c.bad, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}
