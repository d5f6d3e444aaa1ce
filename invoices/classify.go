package invoices

import (
	"fmt"

	"folio/counter"
)

// Account is what the audit finds of one series: what became of each number
// from its first to the mark.
type Account struct {
	Series counter.Series
	Strict bool // its counter is in Postgres: nothing is ever held or free
	Mark   int64

	Issued int64 // numbers with an invoice
	Void   int64 // numbers with a reason
	Held   int64 // in the block of a holder
	Free   int64 // given next

	// Missing are the numbers that are none of the four. There must be none.
	Missing []counter.Range

	// Findings say what else is wrong with the books, each as a sentence.
	Findings []string
}

// Clean reports whether every number is accounted for and nothing is wrong.
func (a Account) Clean() bool { return len(a.Missing) == 0 && len(a.Findings) == 0 }

// classify sorts the numbers from the series' first to its mark. A number of two
// kinds counts as the first of row, held, free: the ledger was read before the
// rows, so a row may be newer than the block or the free range that its number
// was in.
func classify(s counter.Series, l counter.Ledger, runs []run) Account {
	a := Account{Series: s, Mark: l.Mark}
	if err := l.Check(); err != nil {
		a.Findings = append(a.Findings, err.Error())
	}
	var issued, void, held, free []counter.Range
	for _, r := range runs {
		if r.Status == statusIssued {
			issued = append(issued, r.Range)
		} else {
			void = append(void, r.Range)
		}
	}
	for _, b := range l.Held {
		held = append(held, b.Range)
	}
	for _, f := range l.Free {
		free = append(free, f.Range)
	}
	whole := accounted(l)
	rest := counted(&a.Issued, whole, issued)
	rest = counted(&a.Void, rest, void)
	rest = counted(&a.Held, rest, held)
	a.Missing = counted(&a.Free, rest, free)
	if above := without(merged(coverage(runs)), upTo(l.Mark)); len(above) > 0 {
		a.Findings = append(a.Findings, fmt.Sprintf("documents above the mark %d, where no number was ever reserved: %s", l.Mark, rangesText(above)))
	}
	if below := merged(coverage(upToMark(runs, l.Range().First-1))); len(below) > 0 {
		a.Findings = append(a.Findings, fmt.Sprintf("documents below %d, the first number of the series: %s", l.First, rangesText(below)))
	}
	return a
}

// counted takes kind out of rest, and adds to n how many it took.
func counted(n *int64, rest, kind []counter.Range) []counter.Range {
	left := without(rest, merged(kind))
	*n += total(rest) - total(left)
	return left
}

func upTo(mark int64) []counter.Range {
	if mark < 1 {
		return nil
	}
	return []counter.Range{{First: 1, Last: mark}}
}

// accounted returns the numbers that l answers for; none if it gave none yet.
func accounted(l counter.Ledger) []counter.Range {
	if l.Range().Len() == 0 {
		return nil
	}
	return []counter.Range{l.Range()}
}

// rangesText names up to ten ranges.
func rangesText(ranges []counter.Range) string {
	const most = 10
	text := ""
	for i, r := range ranges {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(ranges)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += r.String()
	}
	return text
}
