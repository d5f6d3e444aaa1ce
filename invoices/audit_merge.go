package invoices

import (
	"slices"

	"folio/counter"
)

// merge puts the series that have a ledger in page, and those named that come before the
// next page, in one order. What is read of a series is made when its turn comes, and not
// kept: there may be a hundred thousand.
type merge struct {
	page  counter.Page
	named []counter.Series
}

// count is how many series are left, in this page and behind it.
func (m *merge) count() int64 {
	n := len(m.page.Ledgers) + len(m.named)
	for _, l := range m.page.Ledgers {
		if _, both := slices.BinarySearchFunc(m.named, l.Series, byName); both {
			n--
		}
	}
	return int64(n)
}

// next returns the next series, at most so many; none when the page is done.
func (m *merge) next(most int) []*tally {
	var all []*tally
	for len(all) < most {
		t := m.first()
		if t == nil {
			break
		}
		all = append(all, t)
	}
	return all
}

func (m *merge) first() *tally {
	t := &tally{revision: m.page.Revision}
	switch {
	case m.namedIsFirst():
		t.series, m.named = m.named[0], m.named[1:]
	case len(m.page.Ledgers) > 0:
		l := m.page.Ledgers[0]
		t.series, t.ledger, m.page.Ledgers = l.Series, l.Loaded, m.page.Ledgers[1:]
		if len(m.named) > 0 && m.named[0] == l.Series {
			m.named = m.named[1:]
		}
	default:
		return nil
	}
	return t
}

// namedIsFirst reports whether the next series is one without a ledger.
func (m *merge) namedIsFirst() bool {
	switch {
	case len(m.named) == 0:
		return false
	case len(m.page.Ledgers) > 0:
		return byName(m.named[0], m.page.Ledgers[0].Series) < 0
	}
	return m.page.Next == "" || m.named[0].String() < m.page.Next
}
