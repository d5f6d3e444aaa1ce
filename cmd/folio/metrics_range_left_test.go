package main

import (
	"fmt"
	"testing"

	"folio/counter"
	"folio/invoices/accounts"
)

func TestTheRangesWithTheSmallestShareLeftAreRanked(t *testing.T) {
	var l leastRanges
	add := func(name, period string, last, mark int64, free ...counter.Range) {
		a := accounts.Account{Series: counter.Series{Tenant: "acme", Name: name, Period: period}, Mark: mark}
		if last > 0 {
			a.Range = counter.Range{First: 1, Last: last}
		}
		a.Free = accounts.Numbers{Count: accounts.Total(free), Ranges: free}
		l.add(a)
	}
	for i := range 20 {
		add(fmt.Sprintf("a%02d", i), "-", 1000, 500)
	}
	add("b", "2025", 100, 99) // an old period: nobody uses it any more
	add("b", "2026", 100, 60, counter.Range{First: 1, Last: 10})
	add("c", "-", 100, 100) // used up
	add("d", "-", 0, 7)     // no range
	add("e", "-", 100, 98)
	l.close()
	if len(l.least) != ranks {
		t.Fatalf("%d ranges are ranked, want %d", len(l.least), ranks)
	}
	if got := l.least[0]; got.series.Name != "e" || got.numbers != 2 || got.ratio() != 0.02 {
		t.Errorf("the smallest share is of %+v, want that of e", got)
	}
	for _, r := range l.least[1:] {
		if r.numbers != 500 && r.numbers != 50 {
			t.Errorf("%+v is among the least", r)
		}
	}
}

func TestTheGreatestAreRanked(t *testing.T) {
	most := make([]int64, 3)
	for _, v := range []int64{5, 1, 9, 2, 7, 7} {
		rank(most, v)
	}
	if fmt.Sprint(most) != "[9 7 7]" {
		t.Errorf("the greatest are %v", most)
	}
}
