package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"folio/invoices"
)

func TestASeriesIsChangedWhereAFlagSaysSo(t *testing.T) {
	whole := invoices.Series{
		Tenant: "acme", Name: "web", Numbering: "block", Format: "W-{seq}", Period: "none", Start: 1, OnLoss: "reuse",
		ReuseWithin: invoices.Span(24 * time.Hour), Document: "invoice", ClosedThrough: "2025-12-31",
		Range: &invoices.NumberRange{First: 1, Last: 9, ExpiresOn: "2027-01-01", WarnLeft: 2},
	}
	ptr := func(s string) *string { return &s }
	start, warn, within := int64(3), int64(1), time.Hour
	for _, c := range []struct {
		flags seriesSetCmd
		want  func(*invoices.Series)
	}{
		{seriesSetCmd{}, func(*invoices.Series) {}},
		{seriesSetCmd{Format: ptr("X{seq}"), Start: &start, ReuseWithin: &within, ClosedThrough: ptr("")}, func(s *invoices.Series) {
			s.Format, s.Start, s.ReuseWithin, s.ClosedThrough = "X{seq}", 3, invoices.Span(time.Hour), ""
		}},
		{seriesSetCmd{Numbering: ptr("strict"), Period: ptr("year"), OnLoss: ptr("void"), Document: ptr("credit_note")}, func(s *invoices.Series) {
			s.Numbering, s.Period, s.OnLoss, s.Document = "strict", "year", "void", "credit_note"
		}},
		{seriesSetCmd{Range: ptr("10-90"), WarnLeft: &warn}, func(s *invoices.Series) {
			s.Range.First, s.Range.Last, s.Range.WarnLeft = 10, 90, 1
		}},
		{seriesSetCmd{ExpiresOn: ptr("")}, func(s *invoices.Series) { s.Range.ExpiresOn = "" }},
		{seriesSetCmd{Range: ptr("none")}, func(s *invoices.Series) { s.Range = nil }},
	} {
		clone := func() invoices.Series {
			s, r := whole, *whole.Range
			s.Range = &r
			return s
		}
		got, want := clone(), clone()
		c.want(&want)
		if err := c.flags.change(&got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v: %s", err, cmp.Diff(got, want))
		}
	}
	for _, bad := range []seriesSetCmd{{Range: ptr("10")}, {Range: ptr("a-b")}, {Range: ptr("none"), WarnLeft: &warn}} {
		s := whole
		r := *s.Range
		s.Range = &r
		if err := bad.change(&s); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestASeriesIsPrintedForPeople(t *testing.T) {
	var out bytes.Buffer
	printSeries(&out, invoices.Series{
		Tenant: "acme", Name: "web", Numbering: "block", Format: "W-{seq}", Period: "none", Start: 1, OnLoss: "reuse",
		ReuseWithin: invoices.Span(36 * time.Hour), Document: "invoice", Range: &invoices.NumberRange{First: 1, Last: 9},
	})
	for _, want := range []string{"series          acme/web\n", "reuse within    36h\n", "range           1-9\n", "expires on      never\n", "closed through  never\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestWhatIsNoSeriesEndsWithStatusOne(t *testing.T) {
	noEnvironment(t)
	for _, args := range [][]string{{"series", "show", "acme"}, {"series", "set", "acme/"}, {"series", "show", "a/b/c"}, {"series", "unused", "/b"}} {
		status, _, stderr := folio(t, append(args, "--database-url", "postgres://127.0.0.1:1/x?sslmode=disable")...)
		if status != 1 || !strings.Contains(stderr, "tenant/series") {
			t.Errorf("%v: status %d, %q", args, status, stderr)
		}
	}
}
