package document

import (
	"errors"
	"slices"
	"testing"
)

// recorded is a document of another system, of which only the sums are known.
func recorded() (Draft, Totals) {
	return Draft{Series: "invoice", IssueDate: "2019-02-28", Currency: "EUR", Customer: Customer{Name: "Ada"}},
		Totals{Net: "100.00", Tax: "19.01", Gross: "119.01"}
}

func TestARecordedDocumentKeepsTheTotalsThatItBears(t *testing.T) {
	d, sums := recorded()
	d.Lines = valid().Lines // which add up to something else: what was printed counts
	got, totals, err := CompleteRecorded(d, sums, now)
	if err != nil || totals.Net != "100.00" || totals.Tax != "19.01" || totals.Gross != "119.01" || totals.Taxes == nil {
		t.Errorf("%+v, %v", totals, err)
	}
	if len(got.Lines) != len(d.Lines) {
		t.Errorf("%+v", got)
	}
}

func TestOfARecordedDocumentWhatFollowsNeedNotBeSaid(t *testing.T) {
	for _, sums := range []Totals{{Net: "100", Tax: "19.01"}, {Net: "100", Gross: "119.01"}, {Tax: "19.01", Gross: "119.01"}, {Net: "100.000", Tax: "19.01", Gross: "119.01"}} {
		d, want := recorded()
		got, totals, err := CompleteRecorded(d, sums, now)
		if err != nil || totals.Net != want.Net || totals.Tax != want.Tax || totals.Gross != want.Gross || got.Lines == nil {
			t.Errorf("%+v: %+v, %v", sums, totals, err)
		}
	}
	d := valid()
	_, want, err := Complete(d, now)
	if err != nil {
		t.Fatal(err)
	}
	if d.IssueDate == "" {
		d.IssueDate = "2026-11-23"
	}
	if _, totals, err := CompleteRecorded(d, Totals{}, now); err != nil || totals.Gross != want.Gross {
		t.Errorf("without totals: %+v, %v", totals, err)
	}
}

func TestAFaultOfARecordedDocumentIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Draft, *Totals)
		at    string
	}{
		"no date":              {func(d *Draft, _ *Totals) { d.IssueDate = "" }, "/issue_date"},
		"no sums and no lines": {func(_ *Draft, s *Totals) { *s = Totals{} }, "/totals"},
		"one sum":              {func(_ *Draft, s *Totals) { *s = Totals{Net: "1"} }, "/totals"},
		"sums that differ":     {func(_ *Draft, s *Totals) { s.Gross = "119.02" }, "/totals/gross"},
		"too many digits":      {func(_ *Draft, s *Totals) { s.Net = "100.005" }, "/totals/net"},
		"too long":             {func(_ *Draft, s *Totals) { s.Net = "1234567890123456789" }, "/totals/net"},
		"an exponent":          {func(_ *Draft, s *Totals) { s.Tax = "1e2" }, "/totals/tax"},
		"a comma":              {func(_ *Draft, s *Totals) { s.Gross = "119,01" }, "/totals/gross"},
		"a tax of no category": {func(_ *Draft, s *Totals) { s.Taxes = []TaxTotal{{Category: "Q", Base: "1", Amount: "1"}} }, "/totals/taxes/category"},
		"no customer":          {func(d *Draft, _ *Totals) { d.Customer.Name = "" }, "/customer/name"},
	} {
		d, sums := recorded()
		c.spoil(&d, &sums)
		_, _, err := CompleteRecorded(d, sums, now)
		var bad *InvalidError
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, f := range bad.Fields {
			got = append(got, f.Pointer)
		}
		if !slices.Equal(got, []string{c.at}) {
			t.Errorf("%s: faults at %v, want %s", name, got, c.at)
		}
	}
}

func TestALineIsPrintedInOneLine(t *testing.T) {
	for text, good := range map[string]bool{"INV-1": true, "": true, "Ω-7": true, "a\tb": false, "a\nb": false, "a\x00": false, "\xff": false, "12345678901": false} {
		if fault := LineFault(text, 10); (fault == "") != good {
			t.Errorf("%q: %q", text, fault)
		}
	}
}

func TestAPeriodFitsItsRule(t *testing.T) {
	for _, c := range []struct {
		rule   PeriodRule
		period string
		fits   bool
	}{
		{PeriodNone, "", true}, {PeriodNone, "2026", false}, {PeriodYear, "2026", true}, {PeriodYear, "26", false},
		{PeriodYear, "2026-01", false}, {PeriodMonth, "2026-12", true}, {PeriodMonth, "2026-13", false}, {PeriodMonth, "", false},
	} {
		if got := c.rule.Fits(c.period); got != c.fits {
			t.Errorf("%s fits %q: %v", c.rule, c.period, got)
		}
	}
}
