package deep

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"folio/invoices/document"
)

func format(t testing.TB, template string) document.Format {
	t.Helper()
	f, err := document.ParseFormat(template)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func rules(t testing.TB) Series {
	return Series{
		Tenant: "acme", Name: "invoice", Period: "2026", Restarts: document.PeriodYear,
		Formats: []document.Format{format(t, "INV-{yyyy}-{seq:6}"), format(t, "OLD-{yyyy}-{seq}")},
	}
}

func draft() document.Draft {
	return document.Draft{
		IssueDate: "2026-03-14", Currency: "EUR", Customer: document.Customer{Name: "Ada"},
		Lines: []document.Line{
			{Description: "Consulting", Quantity: "3", UnitPrice: "33.335", Tax: document.Tax{Category: "S", Rate: "20"}},
			{Description: "Travel", Quantity: "2", UnitPrice: "10.00", Tax: document.Tax{Category: "Z"}},
		},
		Discounts: []document.Adjustment{{Percent: "10"}},
	}
}

// stored is a row as folio stores one.
func stored(t testing.TB, d document.Draft) Row {
	t.Helper()
	d, totals, err := document.Complete(d, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(content{Draft: d, Totals: totals})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return Row{
		Number: 57, Kind: "invoice", RequestID: "c:order-4711", Digest: sum[:], IssueDate: d.IssueDate, Printed: "INV-2026-000057",
		Currency: d.Currency, Net: totals.Net, Tax: totals.Tax, Gross: totals.Gross, Content: text, BlockFirst: 50, BlockLast: 59,
	}
}

// replace plants a fault in the content.
func (r *Row) replace(t testing.TB, old, new string) {
	t.Helper()
	text := strings.Replace(string(r.Content), old, new, 1)
	if text == string(r.Content) {
		t.Fatalf("%s has no %s", r.Content, old)
	}
	r.Content = []byte(text)
}

func kinds(faults []Fault) string {
	var all []string
	for _, f := range faults {
		all = append(all, f.Kind)
	}
	return strings.Join(all, " ")
}

func TestARowAsItIsStoredHasNoFault(t *testing.T) {
	t.Parallel()
	s := rules(t)
	moved := []byte(strings.Repeat("a", 32))
	for name, change := range map[string]func(r *Row){
		"as it is":                 func(*Row) {},
		"by a former format":       func(r *Row) { r.Printed = "OLD-2026-57" },
		"of the server's own id":   func(r *Row) { r.RequestID = "s:0190163d-8694-739b-aea5-966c26f8ad91" },
		"of a draft":               func(r *Row) { r.RequestID = "d:dft_abc234" },
		"with amounts of the same": func(r *Row) { r.Gross += "00" },
		"a number elsewhere": func(r *Row) {
			r.Kind, r.Content, r.Currency, r.Net, r.Tax, r.Gross, r.Item = "external", nil, "", "", "", "", 9
		},
		"the rest of an invoice": func(r *Row) {
			r.Kind, r.Credits, r.RequestID = "credit_note", "inv_abc", "x:inv_abc"
			sum := sha256.Sum256([]byte(r.RequestID))
			r.Digest = sum[:]
		},
		"moved in, with totals, number and lines of another system": func(r *Row) {
			r.BlockFirst, r.BlockLast, r.Printed, r.RequestID = 0, 0, "anything", "i:"+string(moved)+":0000000012"
			sum := sha256.Sum256([]byte(r.RequestID))
			r.Digest = sum[:]
			r.Net, r.Tax, r.Gross = "1.00", "2.00", "3.00"
			r.Content = []byte(`{"series":"invoice","issue_date":"2026-03-14","currency":"EUR","customer":{"name":"Ada"},"lines":[],"totals":{"net":"1.00","tax":"2.00","gross":"3.00","taxes":[]}}`)
		},
		"moved in with the id of its client": func(r *Row) {
			r.BlockFirst, r.BlockLast, r.Printed, r.RequestID = 0, 0, "anything", "c:\u00fc"
		},
	} {
		r := stored(t, draft())
		s.Imported = nil
		if strings.HasPrefix(name, "moved in") {
			s.Imported = []Range{{First: 57, Last: 57}}
		}
		if change(&r); len(s.Check(&r)) > 0 {
			t.Errorf("%s: %v", name, s.Check(&r))
		}
	}
}

func TestEachPlantedFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind string
		change     func(r *Row)
	}{
		{"another number printed", KindPrinted, func(r *Row) { r.Printed = "INV-2026-000058" }},
		{"another year printed", KindPrinted, func(r *Row) { r.Printed = "INV-2025-000057" }},
		{"a foreign format printed", KindPrinted, func(r *Row) { r.Printed = "CN-2026-000057" }},
		{"the number moved", KindPrinted, func(r *Row) { r.Number = 58 }},
		{"of no block and no import", KindBlock, func(r *Row) { r.BlockFirst, r.BlockLast = 0, 0 }},
		{"outside its block", KindBlock, func(r *Row) { r.BlockLast = 56 }},
		{"a line changed", KindTotals, func(r *Row) { r.replace(t, `"quantity":"3"`, `"quantity":"4"`) }},
		{"a rate changed", KindTotals, func(r *Row) { r.replace(t, `"rate":"20"`, `"rate":"10"`) }},
		{"a discount taken away", KindTotals, func(r *Row) { r.replace(t, `"discounts":[{"percent":"10"}],`, ``) }},
		{"a base changed", KindTotals, func(r *Row) { r.replace(t, `"base":"18.00"`, `"base":"17.00"`) }},
		{"gross alone changed", KindTotals, func(r *Row) { r.replace(t, `"gross":"126.01"`, `"gross":"127.00"`); r.Gross = "127.00" }},
		{"the column of the gross", KindColumns, func(r *Row) { r.Gross = "1.00" }},
		{"the column of the net", KindColumns, func(r *Row) { r.Net = "1.00" }},
		{"the column of the tax", KindColumns, func(r *Row) { r.Tax = "1.00" }},
		{"the column of the currency", KindColumns, func(r *Row) { r.Currency = "USD" }},
		{"the series in the content", KindColumns, func(r *Row) { r.replace(t, `"series":"invoice"`, `"series":"other"`) }},
		{"the date in the content", KindColumns, func(r *Row) { r.replace(t, `2026-03-14`, `2026-03-15`) }},
		{"content cut short", KindContent, func(r *Row) { r.Content = r.Content[:100] }},
		{"content of something else", KindContent, func(r *Row) { r.Content = []byte(`[]`) }},
		{"a field twice", KindContent, func(r *Row) { r.replace(t, `{`, `{"currency":"USD",`) }},
		{"no digest", KindRequest, func(r *Row) { r.Digest = nil }},
		{"a digest cut short", KindRequest, func(r *Row) { r.Digest = r.Digest[:31] }},
		{"an id without an origin", KindRequest, func(r *Row) { r.RequestID = "order-4711" }},
		{"an id of nobody", KindRequest, func(r *Row) { r.RequestID = "q:order-4711" }},
		{"an id that no client can send", KindRequest, func(r *Row) { r.RequestID = "c:\u00fc" }},
		{"an id that the server does not make", KindRequest, func(r *Row) { r.RequestID = "s:7" }},
		{"an id of no draft", KindRequest, func(r *Row) { r.RequestID = "d:7" }},
		{"an id of an import, of a block", KindRequest, func(r *Row) { r.RequestID = "i:" + strings.Repeat("a", 32) + ":0000000001" }},
		{"an id of another cancellation", KindRequest, func(r *Row) { r.Kind, r.Credits, r.RequestID = "credit_note", "inv_abc", "x:inv_abd" }},
		{"the digest of another cancellation", KindRequest, func(r *Row) { r.Kind, r.Credits, r.RequestID = "credit_note", "inv_abc", "x:inv_abc" }},
		{"an item of a document", KindRequest, func(r *Row) { r.Item = 1 }},
	} {
		s, r := rules(t), stored(t, draft())
		c.change(&r)
		if got := kinds(s.Check(&r)); got != c.kind {
			t.Errorf("%s: got %q of %v, want %s", c.name, got, s.Check(&r), c.kind)
		}
	}
	r := stored(t, draft())
	s := rules(t)
	s.Period = "2025"
	if got := kinds(s.Check(&r)); got != KindPeriod {
		t.Errorf("another period: %q", got)
	}
	// In a strict series what was not imported is folio's own.
	s, r = rules(t), stored(t, draft())
	s.Strict, r.BlockFirst, r.BlockLast, r.Printed = true, 0, 0, "anything"
	if got := kinds(s.Check(&r)); got != KindPrinted {
		t.Errorf("strict: %q", got)
	}
	s.Imported = []Range{{First: 50, Last: 60}}
	if got := kinds(s.Check(&r)); got != "" {
		t.Errorf("imported into a strict series: %q", got)
	}
}

func BenchmarkCheck(b *testing.B) {
	s, r := rules(b), stored(b, draft())
	for b.Loop() {
		if s.Check(&r) != nil {
			b.Fatal("a fault")
		}
	}
}
