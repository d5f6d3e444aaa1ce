package document

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// invoiced completes a draft.
func invoiced(t interface{ Fatal(...any) }, d Draft) Invoiced {
	done, totals, err := Complete(d, now)
	if err != nil {
		t.Fatal(err)
	}
	return Invoiced{Draft: done, Totals: totals, Printed: "INV-1"}
}

// credit makes a note and remembers it.
func (i *Invoiced) credit(t interface{ Fatal(...any) }, want ...CreditLine) Note {
	n, err := i.Credit(want)
	if err != nil {
		t.Fatal(err)
	}
	i.Earlier = append(i.Earlier, Credited{Lines: n.Taken, Totals: n.Totals})
	return n
}

// left is what is left of an invoice, gross.
func (i *Invoiced) left() decimal.Decimal {
	left := decimal.RequireFromString(i.Totals.Gross)
	for _, e := range i.Earlier {
		left = left.Sub(decimal.RequireFromString(e.Totals.Gross))
	}
	return left
}

// three is three hours at 33.335 and a charge for the way.
func three() Draft {
	s20 := Tax{Category: "S", Rate: "20"}
	return Draft{
		Currency: "EUR", Customer: Customer{Name: "x"},
		Lines: []Line{
			{Description: "hours", Quantity: "3", UnitPrice: "33.335", Tax: s20, Discounts: []Adjustment{{Percent: "10"}, {Amount: "1.00"}}},
			{Description: "book", Quantity: "1", UnitPrice: "10", Tax: Tax{Category: "S", Rate: "10"}},
		},
		Discounts: []Adjustment{{Percent: "5"}},
		Charges:   []Adjustment{{Amount: "7.00", Reason: "way", Tax: &s20}},
	}
}

func TestTheNoteOfAnUntouchedInvoiceIsItsCopy(t *testing.T) {
	i := invoiced(t, three())
	n := i.credit(t)
	want := Note{
		Lines: i.Draft.Lines, Discounts: i.Draft.Discounts, Charges: i.Draft.Charges, Totals: i.Totals,
		Taken: []CreditLine{{0, "3"}, {1, "1"}}, Closes: true,
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
	if _, err := i.Credit(nil); !errors.Is(err, ErrNothingLeft) {
		t.Errorf("again: %v, want ErrNothingLeft", err)
	}
	if _, err := i.Credit([]CreditLine{{0, "1"}}); !errors.Is(err, ErrNothingLeft) {
		t.Errorf("a part of nothing: %v, want ErrNothingLeft", err)
	}
}

func TestANoteOfAPartCopiesPercentagesAndLeavesAmountsToTheLast(t *testing.T) {
	i := invoiced(t, three())
	n := i.credit(t, CreditLine{0, "2"})
	if len(n.Lines) != 1 || n.Lines[0].Quantity != "2" || !cmp.Equal(n.Lines[0].Discounts, []Adjustment{{Percent: "10"}}) {
		t.Errorf("lines %+v", n.Lines)
	}
	if !cmp.Equal(n.Discounts, []Adjustment{{Percent: "5"}}) || len(n.Charges) != 0 || n.Closes {
		t.Errorf("discounts %+v, charges %+v, closes %v", n.Discounts, n.Charges, n.Closes)
	}
	// 2 × 33.335 = 66.67, less 6.67 = 60.00, less 5 % = 57.00, and 20 % on it.
	if want := (Totals{Net: "57.00", Tax: "11.40", Gross: "68.40", Taxes: []TaxTotal{{"S", "20", "57.00", "11.40"}}}); !cmp.Equal(n.Totals, want) {
		t.Errorf("totals %+v, want %+v", n.Totals, want)
	}
	last := i.credit(t, CreditLine{Line: 0})
	if !cmp.Equal(last.Lines[0].Discounts, i.Draft.Lines[0].Discounts) || last.Lines[0].Quantity != "1" {
		t.Errorf("the last of the line has %+v", last.Lines[0])
	}
	rest := i.credit(t, CreditLine{1, "1"})
	if !rest.Closes || !i.left().IsZero() {
		t.Errorf("after all lines %s is left", i.left())
	}
	if err := addsUp(rest.Totals); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeCreditedIsRefused(t *testing.T) {
	i := invoiced(t, three())
	i.credit(t, CreditLine{0, "2"})
	for name, c := range map[string]struct {
		want CreditLine
		at   string // "": over-credited
	}{
		"no such line":           {CreditLine{2, "1"}, "/lines/0/line"},
		"a negative line":        {CreditLine{-1, "1"}, "/lines/0/line"},
		"no number":              {CreditLine{0, "x"}, "/lines/0/quantity"},
		"nothing":                {CreditLine{0, "0"}, "/lines/0/quantity"},
		"the other sign":         {CreditLine{0, "-1"}, "/lines/0/quantity"},
		"more than was invoiced": {CreditLine{0, "3.5"}, "/lines/0/quantity"},
		"more than is left":      {CreditLine{0, "1.0000000001"}, ""},
	} {
		_, err := i.Credit([]CreditLine{c.want})
		var bad *InvalidError
		switch {
		case c.at == "" && !errors.Is(err, ErrOverCredited):
			t.Errorf("%s: %v, want ErrOverCredited", name, err)
		case c.at != "" && (!errors.As(err, &bad) || bad.Fields[0].Pointer != c.at):
			t.Errorf("%s: %v, want an error at %s", name, err, c.at)
		}
	}
	if _, err := i.Credit([]CreditLine{{1, "1"}, {1, "1"}}); err == nil {
		t.Error("a line twice was not refused")
	}
	if _, err := i.Credit(make([]CreditLine, MaxLines+1)); err == nil {
		t.Error("too many lines were not refused")
	}
	i.credit(t, CreditLine{Line: 0})
	if _, err := i.Credit([]CreditLine{{Line: 0}}); !errors.Is(err, ErrOverCredited) {
		t.Errorf("the rest of a line of which nothing is left: %v", err)
	}
}

func TestALineThatIsWorthMoreThanTheInvoiceIsNotCreditedAlone(t *testing.T) {
	line := func(q string) Line {
		return Line{Description: "x", Quantity: q, UnitPrice: "100", Tax: Tax{Category: "S", Rate: "20"}}
	}
	i := invoiced(t, Draft{Currency: "EUR", Customer: Customer{Name: "x"}, Lines: []Line{line("2"), line("-1")}})
	for _, l := range []CreditLine{{0, "2"}, {1, "-1"}} { // 240 of 120; -120
		if _, err := i.Credit([]CreditLine{l}); !errors.Is(err, ErrOverCredited) {
			t.Errorf("line %d: %v, want ErrOverCredited", l.Line, err)
		}
	}
	i.credit(t, CreditLine{0, "0.5"})
	if i.credit(t); !i.left().IsZero() {
		t.Errorf("%s is left", i.left())
	}
}

func TestAnInvoiceBelowZeroAndOneOfNothingAreCreditedToo(t *testing.T) {
	line := func(q string) Line {
		return Line{Description: "x", Quantity: q, UnitPrice: "100", Tax: Tax{Category: "S", Rate: "20"}}
	}
	below := invoiced(t, Draft{Currency: "EUR", Customer: Customer{Name: "x"}, Lines: []Line{line("-2")}})
	if n := below.credit(t, CreditLine{0, "-1"}); n.Totals.Gross != "-120.00" || n.Closes {
		t.Errorf("%+v", n)
	}
	if n := below.credit(t); n.Totals.Gross != "-120.00" || !n.Closes {
		t.Errorf("%+v", n)
	}
	free := Line{Description: "free", Quantity: "2", UnitPrice: "0", Tax: Tax{Category: "Z"}}
	nothing := invoiced(t, Draft{Currency: "EUR", Customer: Customer{Name: "x"}, Lines: []Line{free}})
	if n := nothing.credit(t, CreditLine{0, "1"}); n.Closes || n.Totals.Gross != "0.00" {
		t.Errorf("%+v", n)
	}
	if n := nothing.credit(t); !n.Closes {
		t.Errorf("%+v", n)
	}
	if _, err := nothing.Credit(nil); !errors.Is(err, ErrNothingLeft) {
		t.Errorf("got %v, want ErrNothingLeft", err)
	}
}

// Whatever parts are credited in whatever order: never more than the gross, and
// the rest leaves exactly zero under every tax.
func TestTheNotesOfAnInvoiceAddUpToIt(t *testing.T) {
	parts, rests := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		i := invoiced(t, drafts().Draw(t, "draft"))
		whole := decimal.RequireFromString(i.Totals.Gross)
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			n := rapid.IntRange(0, len(i.Draft.Lines)-1).Draw(t, "line")
			q := decimal.RequireFromString(i.Draft.Lines[n].Quantity)
			share := decimal.New(int64(rapid.IntRange(1, 4).Draw(t, "quarters")), 0).Div(decimal.New(4, 0))
			note, err := i.Credit([]CreditLine{{n, q.Mul(share).Round(4).String()}})
			var bad *InvalidError
			if errors.Is(err, ErrOverCredited) || errors.Is(err, ErrNothingLeft) || errors.As(err, &bad) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			parts++
			i.Earlier = append(i.Earlier, Credited{Lines: note.Taken, Totals: note.Totals})
			if !within(i.left(), whole) {
				t.Fatalf("%s of %s is left", i.left(), whole)
			}
			if err := addsUp(note.Totals); err != nil {
				t.Fatal(err)
			}
		}
		rest, err := i.Credit(nil)
		if errors.Is(err, ErrNothingLeft) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		rests++
		i.Earlier = append(i.Earlier, Credited{Lines: rest.Taken, Totals: rest.Totals})
		c, err := i.crediting()
		if err != nil {
			t.Fatal(err)
		}
		if !c.open.empty() || !c.open.gross.IsZero() || !rest.Closes || len(rest.Lines) == 0 {
			t.Fatalf("left is %+v; closes %v, %d lines", c.open, rest.Closes, len(rest.Lines))
		}
		basesAreThoseOfTheLines(t, c, rest)
	})
	if parts == 0 || rests == 0 {
		t.Errorf("%d parts, %d rests: the test shows nothing", parts, rests)
	}
}

// basesAreThoseOfTheLines recomputes a note from what it says.
func basesAreThoseOfTheLines(t *rapid.T, c *crediting, n Note) {
	totals, err := c.compute(n)
	if err != nil {
		t.Fatal(err)
	}
	base := func(all []TaxTotal) (bases []string) {
		for _, g := range all {
			if !decimal.RequireFromString(g.Base).IsZero() {
				bases = append(bases, g.Category+" "+decimal.RequireFromString(g.Rate).String()+" "+g.Base)
			}
		}
		slices.Sort(bases)
		return bases
	}
	if diff := cmp.Diff(base(totals.Taxes), base(n.Totals.Taxes)); diff != "" || totals.Net != n.Totals.Net {
		t.Fatalf("computed (-) and stated (+) bases, net %s and %s:\n%s", totals.Net, n.Totals.Net, diff)
	}
}
