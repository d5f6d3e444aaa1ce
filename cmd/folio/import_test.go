package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices"
)

func TestProgressIsALineForEachStepWhereNobodyLooksOn(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.show(invoices.ImportProgress{Doing: "read"})
	for i := range int64(100) {
		p.show(invoices.ImportProgress{Doing: "stage", Bytes: i * 10, Size: 1000, Rows: i})
	}
	p.show(invoices.ImportProgress{Doing: "check", Bytes: 1000, Size: 1000})
	p.end()
	want := "folio: read …\n"
	for _, percent := range []string{"0", "10", "20", "30", "40", "50", "60", "70", "80", "90"} {
		want += "folio: stage: " + percent + " %\n"
	}
	if want += "folio: check …\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	p.show(invoices.ImportProgress{Doing: "stage", Rows: 20_000}) // of a stream nobody knows the size
	if out.String() != "folio: stage: 20000 rows\n" {
		t.Errorf("%q", out.String())
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.terminal = true
	p.show(invoices.ImportProgress{Doing: "stage", Bytes: 0, Size: 80})
	p.show(invoices.ImportProgress{Doing: "stage", Bytes: 40, Size: 80, Rows: 7})
	p.end()
	bars := strings.Split(out.String(), "\r")
	if len(bars) != 3 || !strings.HasPrefix(bars[2], "["+strings.Repeat("#", 20)+strings.Repeat(".", 20)+"] stage: 7 rows") || !strings.HasSuffix(bars[2], "\n") || len(bars[1]) != len(bars[2])-1 {
		t.Errorf("%q", bars)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(&out) {
		t.Error("taken for a terminal")
	}
}

func TestAnImportIsToldInAFewLines(t *testing.T) {
	report := invoices.ImportReport{Tenant: "acme", Rows: 3, Resumed: 20_001, Series: []invoices.ImportedSeries{{
		Series: counter.Series{Tenant: "acme", Name: "invoice", Period: "2025"}, Range: counter.Range{First: 5, Last: 9}, Rows: 3,
	}}}
	var out bytes.Buffer
	printImport(&out, report, false)
	want := "went on after line 20001; imported 3 rows of acme\n" +
		"  acme/invoice/2025                                  3 rows from 5 to 9, 2 numbers between them without a row\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestNoNumberOfAStrictSeriesIsSkipped(t *testing.T) {
	for name, c := range map[string]struct {
		rules  invoices.Series
		period string
		want   string // "" is none
	}{
		"block":             {invoices.Series{Numbering: "block", Period: "year"}, "2026", ""},
		"without periods":   {invoices.Series{Numbering: "block", Period: "none"}, "", ""},
		"strict":            {invoices.Series{Numbering: "strict", Period: "year"}, "2026", "is strict"},
		"not of its period": {invoices.Series{Numbering: "block", Period: "month"}, "2026", "name one of them"},
	} {
		err := hasGaps(c.rules, c.period)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
