package accounts

import (
	"cmp"
	"fmt"
	"slices"

	"folio/counter"
)

// Books are the two sides of a series' account as they were read, the ledger first.
type Books struct {
	Series counter.Series
	Strict bool           // Ledger is the counter in Postgres, read in one snapshot with the rows
	Ledger counter.Ledger // of a ledger that is missing or damaged the zero Ledger
	Damage error          // why the ledger cannot be read; nil if it can
	Absent bool           // there is no ledger
	Rows   Rows
	AsOf   AsOf
}

// Rows are the rows of a series, of all its numbers, whether the ledger has heard of
// them or not.
type Rows struct {
	Covered []counter.Range // the numbers that have one, ascending and apart
	Void    int64           // how many from first to mark are void
	Voids   []Reason        // which ones: then Void plays no part
	Exact   bool            // Voids was read
}

// Of sorts the numbers of a series from its first to its mark. A number of two kinds
// counts as the first of row, held, free: the ledger was read before the rows, so a
// row may be newer than the block or the free range that its number was in.
func Of(b Books) Account {
	if b.Damage != nil {
		return unreadable(b)
	}
	whole := b.Ledger.Range()
	a := Account{Series: b.Series, Strict: b.Strict, First: whole.First, Mark: b.Ledger.Mark, AsOf: b.AsOf}
	rows := Within(whole, b.Rows.Covered)
	a.addRows(rows, b.Rows)
	rest := Without(Within(whole, []counter.Range{whole}), rows)
	rest = a.addHeld(rest, b.Ledger.Held)
	free := Both(rest, Merged(rangesOf(b.Ledger.Free)))
	a.Free, a.Unaccounted = numbers(free), numbers(Without(rest, free))
	a.judge(b)
	return a
}

// unreadable counts the rows of a series whose ledger cannot be read. Which numbers
// were reserved beside them nobody knows.
func unreadable(b Books) Account {
	a := Account{Series: b.Series, First: 1, AsOf: b.AsOf}
	a.addRows(b.Rows.Covered, b.Rows)
	a.find(LedgerDamaged, nil, "%v", b.Damage)
	return a
}

// addRows splits the numbers that have a row.
func (a *Account) addRows(rows []counter.Range, r Rows) {
	if !r.Exact {
		a.Void.Count, a.Issued.Count = r.Void, Total(rows)-r.Void
		return
	}
	for _, v := range r.Voids {
		if v.Numbers = numbers(Both(rows, v.Ranges)); v.Count > 0 {
			a.Void.Reasons = append(a.Void.Reasons, v)
			a.Void.Ranges = append(a.Void.Ranges, v.Ranges...)
		}
	}
	slices.SortFunc(a.Void.Reasons, func(a, b Reason) int { return cmp.Compare(a.Reason, b.Reason) })
	a.Void.Numbers = numbers(Merged(a.Void.Ranges))
	a.Issued = numbers(Without(rows, a.Void.Ranges))
}

// addHeld takes what is held out of rest.
func (a *Account) addHeld(rest []counter.Range, blocks []counter.Block) []counter.Range {
	var held []counter.Range
	for _, b := range blocks {
		if open := Within(b.Range, rest); len(open) > 0 {
			a.Held.Blocks = append(a.Held.Blocks, Block{Block: b, Numbers: numbers(open)})
			held = append(held, open...)
		}
	}
	held = Merged(held)
	a.Held.Numbers = numbers(held)
	return Without(rest, held)
}

func rangesOf(free []counter.FreeRange) []counter.Range {
	ranges := make([]counter.Range, len(free))
	for i, f := range free {
		ranges[i] = f.Range
	}
	return ranges
}

// judge says what is wrong.
func (a *Account) judge(b Books) {
	if err := b.Ledger.Check(); err != nil {
		a.find(LedgerDamaged, nil, "%v", err)
	}
	if a.Unaccounted.Count > 0 {
		a.find(Unaccounted, a.Unaccounted.Ranges, "neither issued, void, held nor free: %s", Text(a.Unaccounted.Ranges))
	}
	above := Without(b.Rows.Covered, []counter.Range{{First: 0, Last: b.Ledger.Mark}})
	switch {
	case len(above) == 0:
	case b.Absent:
		a.find(LedgerMissing, above, "there are documents, but no ledger: %s", Text(above))
	case b.Strict:
		a.find(StrictBehind, above, "documents above the mark %d, which the counter has not given: %s", b.Ledger.Mark, Text(above))
	default:
		a.find(LedgerBehind, above, "documents above the mark %d, where no number was ever reserved: %s", b.Ledger.Mark, Text(above))
	}
	below := Within(counter.Range{First: 1, Last: a.First - 1}, b.Rows.Covered)
	if len(below) > 0 {
		a.find(BelowFirst, below, "documents below %d, the first number of the series: %s", a.First, Text(below))
	}
}

// find adds a finding.
func (a *Account) find(kind Kind, ranges []counter.Range, format string, args ...any) {
	a.Add(Finding{Kind: kind, Ranges: ranges, Text: fmt.Sprintf(format, args...)})
}

// Add adds a finding about the series.
func (a *Account) Add(f Finding) {
	f.Series = a.Series
	a.Findings = append(a.Findings, f)
}
