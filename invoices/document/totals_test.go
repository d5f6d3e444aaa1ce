package document

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// example is one line of testdata/invoices.jsonl.
type example struct {
	Source string
	Draft  Draft
	Expect Totals
}

func examples(t testing.TB) []example {
	t.Helper()
	f, err := os.Open("testdata/invoices.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []example
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e example
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if len(all) != 50 {
		t.Fatalf("%d examples, want 50", len(all))
	}
	return all
}

func TestTotalsAreThoseThatAnotherEngineComputed(t *testing.T) {
	for _, e := range examples(t) {
		sent, err := json.Marshal(e.Draft)
		if err != nil {
			t.Fatal(err)
		}
		draft, got, err := Complete(e.Draft, now)
		if err != nil {
			t.Errorf("%s: %v", e.Source, err)
			continue
		}
		if diff := cmp.Diff(e.Expect, got); diff != "" {
			t.Errorf("%s (want -, got +):\n%s", e.Source, diff)
		}
		draft.Series = e.Draft.Series
		if back, _ := json.Marshal(draft); string(back) != string(sent) {
			t.Errorf("%s was sent as\n%s\nand came back as\n%s", e.Source, sent, back)
		}
	}
}

func TestTotalsOfDocumentLevelDiscountsAndCharges(t *testing.T) {
	line := func(price, category, rate string) Line {
		return Line{Description: "x", Quantity: "1", UnitPrice: price, Tax: Tax{Category: category, Rate: rate}}
	}
	for name, c := range map[string]struct {
		draft Draft
		want  Totals
	}{
		"percentages are of the sum of the lines and not chained": {
			Draft{Currency: "EUR", Lines: []Line{line("100.00", "S", "20")},
				Discounts: []Adjustment{{Percent: "10", Tax: &Tax{Category: "S", Rate: "20"}}, {Percent: "10", Tax: &Tax{Category: "S", Rate: "20.0"}}},
				Charges:   []Adjustment{{Percent: "5", Tax: &Tax{Category: "S", Rate: "20"}}}},
			Totals{Net: "85.00", Tax: "17.00", Gross: "102.00", Taxes: []TaxTotal{{"S", "20", "85.00", "17.00"}}},
		},
		"an amount goes to the base of its own category": {
			Draft{Currency: "EUR", Lines: []Line{line("100.00", "S", "20")},
				Charges: []Adjustment{{Amount: "7.00", Tax: &Tax{Category: "O"}}}},
			Totals{Net: "107.00", Tax: "20.00", Gross: "127.00", Taxes: []TaxTotal{{"O", "0", "7.00", "0.00"}, {"S", "20", "100.00", "20.00"}}},
		},
		"without a tax it is spread in proportion": {
			Draft{Currency: "EUR", Lines: []Line{line("100.00", "S", "20"), line("50.00", "S", "10")},
				Discounts: []Adjustment{{Amount: "10.00"}}},
			Totals{Net: "140.00", Tax: "23.34", Gross: "163.34", Taxes: []TaxTotal{{"S", "10", "46.67", "4.67"}, {"S", "20", "93.33", "18.67"}}},
		},
		"with nothing to be in proportion to, the first takes it": {
			Draft{Currency: "EUR", Lines: []Line{line("0.00", "S", "20"), line("0.00", "S", "10")},
				Charges: []Adjustment{{Amount: "1.00"}}},
			Totals{Net: "1.00", Tax: "0.20", Gross: "1.20", Taxes: []TaxTotal{{"S", "10", "0.00", "0.00"}, {"S", "20", "1.00", "0.20"}}},
		},
		"where bases differ in sign it goes to the largest": {
			Draft{Currency: "EUR", Lines: []Line{line("1000.00", "S", "20"), line("-999.99", "S", "0")},
				Charges: []Adjustment{{Amount: "50"}}},
			Totals{Net: "50.01", Tax: "210.00", Gross: "260.01", Taxes: []TaxTotal{{"S", "0", "-999.99", "0.00"}, {"S", "20", "1050.00", "210.00"}}},
		},
		"a named tax is not counted in the proportions of the next": {
			Draft{Currency: "EUR", Lines: []Line{line("100.00", "S", "20"), line("100.00", "S", "10")},
				Discounts: []Adjustment{{Amount: "90.00", Tax: &Tax{Category: "S", Rate: "20"}}, {Amount: "10.00"}}},
			Totals{Net: "100.00", Tax: "10.50", Gross: "110.50", Taxes: []TaxTotal{{"S", "10", "95.00", "9.50"}, {"S", "20", "5.00", "1.00"}}},
		},
		"half a yen is rounded away from zero": {
			Draft{Currency: "JPY", Lines: []Line{{Description: "x", Quantity: "-1", UnitPrice: "0.5", Tax: Tax{Category: "S", Rate: "10"}}}},
			Totals{Net: "-1", Tax: "0", Gross: "-1", Taxes: []TaxTotal{{"S", "10", "-1", "0"}}},
		},
		"three minor digits": {
			Draft{Currency: "KWD", Lines: []Line{{Description: "x", Quantity: "3", UnitPrice: "0.3335", Tax: Tax{Category: "S", Rate: "5"}}}},
			Totals{Net: "1.001", Tax: "0.050", Gross: "1.051", Taxes: []TaxTotal{{"S", "5", "1.001", "0.050"}}},
		},
	} {
		c.draft.Customer.Name = "x"
		_, got, err := Complete(c.draft, now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (want -, got +):\n%s", name, diff)
		}
	}
}

// drafts draws valid drafts of all kinds.
func drafts() *rapid.Generator[Draft] {
	number := rapid.StringMatching(`-?[0-9]{1,6}(\.[0-9]{1,4})?`)
	tax := rapid.SampledFrom([]Tax{{"S", "20"}, {"S", "20.0"}, {"S", "5.5"}, {"S", "0"}, {"Z", "0"}, {"E", ""}, {"O", "0.00"}})
	adjustment := func(ofDocument bool) *rapid.Generator[Adjustment] {
		return rapid.Custom(func(t *rapid.T) Adjustment {
			var a Adjustment
			if rapid.Bool().Draw(t, "percent") {
				a.Percent = rapid.StringMatching(`[0-9]{1,2}(\.[0-9])?`).Draw(t, "value")
			} else {
				a.Amount = number.Draw(t, "amount")
			}
			if ofDocument && rapid.Bool().Draw(t, "with tax") {
				own := tax.Draw(t, "tax")
				a.Tax = &own
			}
			return a
		})
	}
	line := rapid.Custom(func(t *rapid.T) Line {
		return Line{
			Description: rapid.StringMatching(`[A-Za-zäλ語]{1,12}`).Draw(t, "description"),
			Quantity:    number.Draw(t, "quantity"), UnitPrice: number.Draw(t, "price"), Tax: tax.Draw(t, "tax"),
			Discounts: rapid.SliceOfN(adjustment(false), 0, 2).Draw(t, "discounts"),
		}
	})
	return rapid.Custom(func(t *rapid.T) Draft {
		return Draft{
			Currency: rapid.SampledFrom([]string{"EUR", "JPY", "KWD", "CLF"}).Draw(t, "currency"), Customer: Customer{Name: "x"},
			Lines:     rapid.SliceOfN(line, 1, 20).Draw(t, "lines"),
			Discounts: rapid.SliceOfN(adjustment(true), 0, 3).Draw(t, "document discounts"),
			Charges:   rapid.SliceOfN(adjustment(true), 0, 3).Draw(t, "document charges"),
		}
	})
}

// addsUp derives the totals' own identities.
func addsUp(t Totals) error {
	net, tax := decimal.Zero, decimal.Zero
	for _, g := range t.Taxes {
		net = net.Add(decimal.RequireFromString(g.Base))
		tax = tax.Add(decimal.RequireFromString(g.Amount))
	}
	if !net.Equal(decimal.RequireFromString(t.Net)) || !tax.Equal(decimal.RequireFromString(t.Tax)) ||
		!net.Add(tax).Equal(decimal.RequireFromString(t.Gross)) {
		return fmt.Errorf("bases add up to %s, taxes to %s, in %+v", net, tax, t)
	}
	return nil
}

func TestTheBasesMakeTheNetAndTheTaxesTheTax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, got, err := Complete(drafts().Draw(t, "draft"), now)
		if err != nil {
			t.Fatal(err)
		}
		if err := addsUp(got); err != nil {
			t.Fatal(err)
		}
	})
	if addsUp(Totals{Net: "1.00", Tax: "0.20", Gross: "1.21", Taxes: []TaxTotal{{"S", "20", "1.00", "0.20"}}}) == nil {
		t.Fatal("the check accepts a wrong sum")
	}
}

// BenchmarkTheWidestDraft is what a hostile body of 94 kB can cost: as many taxes
// and as many amounts to spread over them as the rules allow.
func BenchmarkTheWidestDraft(b *testing.B) {
	d := Draft{Currency: "EUR", Customer: Customer{Name: "x"}}
	for i := range MaxLines {
		d.Lines = append(d.Lines, Line{Description: "x", Quantity: "1", UnitPrice: "1", Tax: Tax{Category: "S", Rate: fmt.Sprintf("1.%04d", i)}})
	}
	d.Discounts = slices.Repeat([]Adjustment{{Amount: "1"}}, MaxAdjustments)
	d.Charges = d.Discounts
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Complete(d, now); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheOrderOfLinesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drafts().Draw(t, "draft")
		d.Discounts, d.Charges = nil, nil // what rounding leaves of a spread one goes to the last line's tax
		_, want, err := Complete(d, now)
		if err != nil {
			t.Fatal(err)
		}
		d.Lines = slices.Clone(d.Lines)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(d.Lines), func(i, j int) {
			d.Lines[i], d.Lines[j] = d.Lines[j], d.Lines[i]
		})
		_, got, err := Complete(d, now)
		if err != nil {
			t.Fatal(err)
		}
		if got.Net != want.Net || got.Tax != want.Tax || got.Gross != want.Gross || len(got.Taxes) != len(want.Taxes) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestAThousandLinesAreAllowedAndOneMoreIsNot(t *testing.T) {
	d := Draft{Currency: "EUR", Customer: Customer{Name: "x"}}
	for range MaxLines {
		d.Lines = append(d.Lines, Line{Description: "x", Quantity: "1", UnitPrice: "0.01", Tax: Tax{Category: "Z"}})
	}
	_, got, err := Complete(d, now)
	if err != nil || got.Net != "10.00" {
		t.Fatalf("got %s, %v; want 10.00", got.Net, err)
	}
	d.Lines = append(d.Lines, d.Lines[0])
	if _, _, err := Complete(d, now); err == nil || !strings.Contains(err.Error(), "/lines: ") {
		t.Fatalf("got %v, want an error at /lines", err)
	}
}

func BenchmarkComplete(b *testing.B) {
	e := examples(b)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Complete(e.Draft, now); err != nil {
			b.Fatal(err)
		}
	}
}
