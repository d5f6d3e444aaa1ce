package document

import (
	"testing"

	"github.com/shopspring/decimal"
)

// TestThePartsOfEveryRealDocumentAddUpToItsNet holds the breakdown against totals
// that were computed independently.
func TestThePartsOfEveryRealDocumentAddUpToItsNet(t *testing.T) {
	sum := func(amounts []string) decimal.Decimal {
		total := decimal.Zero
		for _, a := range amounts {
			total = total.Add(decimal.RequireFromString(a))
		}
		return total
	}
	for _, e := range examples(t) {
		draft, totals, err := Complete(e.Draft, now)
		if err != nil {
			t.Fatal(err)
		}
		b, err := BreakDown(draft, totals)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, l := range b.Lines {
			lines = append(lines, l.Net)
		}
		net := sum(lines).Sub(sum(b.Discounts)).Add(sum(b.Charges))
		if !net.Equal(decimal.RequireFromString(e.Expect.Net)) {
			t.Errorf("%s: the parts come to %s, the net is %s", e.Source, net, e.Expect.Net)
		}
		if !sum(lines).Equal(decimal.RequireFromString(b.LinesNet)) || len(b.Lines) != len(draft.Lines) {
			t.Errorf("%s: lines %v come to %s", e.Source, lines, b.LinesNet)
		}
	}
}

func TestADraftThatWasNeverCompletedIsNotBrokenDown(t *testing.T) {
	if _, err := BreakDown(Draft{}, Totals{}); err == nil {
		t.Error("no error")
	}
	if _, err := BreakDown(Draft{IssueDate: "2026-01-01", Currency: "EUR"}, Totals{}); err == nil {
		t.Error("no error for a draft without lines")
	}
}

func TestADocumentWithMoreDiscountsThanAClientMaySendIsStillShown(t *testing.T) {
	d, totals, err := Complete(examples(t)[0].Draft, now)
	if err != nil {
		t.Fatal(err)
	}
	for range MaxAdjustments + 1 {
		d.Discounts = append(d.Discounts, Adjustment{Amount: "0.01"})
	}
	if b, err := BreakDown(d, totals); err != nil || len(b.Discounts) < MaxAdjustments {
		t.Errorf("%d discounts, %v", len(b.Discounts), err)
	}
}

func TestTheSumOfLinesThatAreNotKnownIsWhatTheNetLeavesForThem(t *testing.T) {
	d, sums := recorded()
	d.Discounts, d.Charges = []Adjustment{{Amount: "10"}}, []Adjustment{{Amount: "2.50"}}
	d, sums, err := CompleteRecorded(d, sums, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := BreakDown(d, sums)
	want := decimal.RequireFromString(sums.Net).Add(decimal.RequireFromString("7.50"))
	if err != nil || len(b.Lines) != 0 || !want.Equal(decimal.RequireFromString(b.LinesNet)) {
		t.Errorf("%v: %+v of net %s", err, b, sums.Net)
	}
}
