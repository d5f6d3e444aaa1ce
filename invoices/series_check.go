package invoices

import (
	"cmp"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

// Checked returns s with what it leaves empty filled in. The error is a
// *document.InvalidError that names every bad field.
func (s Series) Checked() (Series, error) {
	s = s.complete()
	return s, s.check()
}

// complete fills in what a series leaves empty: an empty text counts as absent.
func (s Series) complete() Series {
	d := NewSeries(s.Tenant, s.Name)
	s.Numbering = cmp.Or(s.Numbering, d.Numbering)
	s.Period = cmp.Or(s.Period, d.Period)
	s.OnLoss = cmp.Or(s.OnLoss, d.OnLoss)
	s.Document = cmp.Or(s.Document, d.Document)
	s.Format = cmp.Or(s.Format, defaultFormat(s.Tenant, s.Name, s.Period))
	return s
}

// seriesCheck collects what is wrong with a series.
type seriesCheck struct{ document.InvalidError }

func (c *seriesCheck) add(pointer, detail string, args ...any) {
	c.Fields = append(c.Fields, document.FieldError{Pointer: pointer, Detail: fmt.Sprintf(detail, args...)})
}

func (c *seriesCheck) oneOf(pointer, value, one, other string) {
	if value != one && value != other {
		c.add(pointer, "must be %s or %s", one, other)
	}
}

func (c *seriesCheck) date(pointer, value string) {
	if fault := document.DateFault(value); value != "" && fault != "" {
		c.add(pointer, "%s", fault)
	}
}

func (c *seriesCheck) number(pointer string, value int64) {
	if value < 1 || value > counter.MaxNumber {
		c.add(pointer, "must be a whole number from 1 to %d", int64(counter.MaxNumber))
	}
}

// check returns a *document.InvalidError that names every bad field.
func (s Series) check() error {
	var c seriesCheck
	if !validName(s.Name) {
		c.add("/name", "use 1 to 63 lower-case letters, digits and inner hyphens")
	}
	c.oneOf("/numbering", s.Numbering, numberingBlock, numberingStrict)
	c.format(s)
	c.number("/start", s.Start)
	c.oneOf("/on_loss", s.OnLoss, onLossReuse, onLossVoid)
	if w := time.Duration(s.ReuseWithin); w < 0 || w%time.Second != 0 || s.ReuseWithin.seconds() > document.MaxReuseWithin {
		c.add("/reuse_within", "must be whole seconds, from 0s to %s", Span(document.MaxReuseWithin*time.Second))
	}
	c.granted(s)
	c.oneOf("/document", s.Document, kindInvoice, kindCreditNote)
	c.date("/closed_through", s.ClosedThrough)
	if len(c.Fields) > 0 {
		return &c.InvalidError
	}
	return nil
}

func (c *seriesCheck) format(s Series) {
	format, err := document.ParseFormat(s.Format)
	if err != nil {
		c.add("/format", "%s", err)
	}
	switch rule := document.PeriodRule(s.Period); rule {
	case document.PeriodNone, document.PeriodYear, document.PeriodMonth:
		if err != nil {
			return
		}
		if err := format.Repeats(rule); err != nil {
			c.add("/format", "%s", err)
		}
	default:
		c.add("/period", "must be none, year or month")
	}
}

func (c *seriesCheck) granted(s Series) {
	r := s.Range
	if r == nil {
		return
	}
	c.number("/range/first", r.First)
	c.number("/range/last", r.Last)
	if r.Last >= 1 && r.Last < r.First {
		c.add("/range/last", "must not be less than first")
	}
	c.date("/range/expires_on", r.ExpiresOn)
	if r.WarnLeft < 0 || r.WarnLeft > counter.MaxNumber {
		c.add("/range/warn_left", "must be a whole number from 0 to %d", int64(counter.MaxNumber))
	}
	if r.Last >= r.First && s.Start > r.Last {
		c.add("/start", "must not be more than the last number of the range")
	}
}
