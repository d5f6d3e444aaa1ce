package main

import (
	"slices"

	"folio/counter"
	"folio/invoices/accounts"
)

// leastRanges are the authorised ranges with the smallest share left. Accounts come in
// the order of their names, so the last period of a series is the one in use.
type leastRanges struct {
	least []rangeLeft // the smallest share first, at most ranks
	last  rangeLeft
}

type rangeLeft struct {
	series         counter.Series
	numbers, whole int64
}

func (r rangeLeft) ratio() float64 { return float64(r.numbers) / float64(r.whole) }

func (l *leastRanges) add(a accounts.Account) {
	if s := l.last.series; s.Tenant != a.Series.Tenant || s.Name != a.Series.Name {
		l.close()
	}
	l.last = rangeLeft{series: a.Series}
	if a.Range.Last > 0 {
		l.last.whole = a.Range.Len()
		l.last.numbers = max(0, a.Range.Last-max(a.Mark, a.Range.First-1))
		for _, free := range a.Free.Ranges {
			within := counter.Range{First: max(free.First, a.Range.First), Last: min(free.Last, a.Range.Last)}
			l.last.numbers += within.Len()
		}
	}
}

// close puts what is known of the last series among the least.
func (l *leastRanges) close() {
	r := l.last
	l.last = rangeLeft{}
	if r.numbers <= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(l.least, r, func(a, b rangeLeft) int {
		if a.ratio() < b.ratio() {
			return -1
		}
		return 1
	})
	l.least = slices.Insert(l.least, i, r)
	l.least = l.least[:min(len(l.least), ranks)]
}
