// Package deep holds what a stored document says against itself and against the
// rules of its series: the printed number, the totals, the columns beside the
// content, the identity of the request, the links of credit notes. It is pure: it
// is given rows, and names what is wrong with them.
//
// What is not known is no fault. A document that was moved in keeps the totals and
// the printed number that its system gave it, and may lack its lines.
package deep

import "folio/invoices/document"

// The kinds of faults.
const (
	KindContent = "content_damaged" // the content cannot be read
	KindColumns = "columns"         // the columns do not say what the content says
	KindPrinted = "printed_number"  // no format of the series prints it for that number and date
	KindTotals  = "totals"          // the totals do not follow from the lines
	KindPeriod  = "period"          // the date lies in another period
	KindRequest = "request"         // the request id or its digest has no shape that folio gives
	KindBlock   = "block"           // the number lies outside the block it was taken from, or came from none
	KindCredits = "credits"         // a credit note, its invoice and the account between them disagree
)

// Fault is one thing that is wrong, as a sentence about it.
type Fault struct {
	Kind string
	Text string
}

// What an issued row is, as the table has it.
const (
	invoice    = "invoice"
	creditNote = "credit_note"
	external   = "external"
)

// Row is an issued row of one series and period.
type Row struct {
	Number    int64
	Kind      string // "invoice", "credit_note" or "external"
	RequestID string // with its origin
	Item      int64
	Digest    []byte
	IssueDate string // YYYY-MM-DD
	Printed   string

	// Of an external number these are empty.
	Currency, Net, Tax, Gross string
	Content                   []byte

	// The block it was taken from; 0 if from none.
	BlockFirst, BlockLast int64

	Credits string // the public id of the invoice that it credits; "" if none
}

// Series are the rules that the rows of one series and period are held against.
// The zero Series knows none: then only what a row says itself is checked.
type Series struct {
	Tenant, Name, Period string

	Formats  []document.Format   // the present one, then the former ones; empty: not known
	Restarts document.PeriodRule // "": not known
	Strict   bool                // its rows come from no block
	Imported []Range             // what imports brought; a row elsewhere was issued here
}

// Range is first to last, both included.
type Range struct{ First, Last int64 }

// movedIn reports whether r was issued by another system: what follows from folio's
// own rules is then not known. What was taken from a block was issued here.
func (s *Series) movedIn(r *Row) bool {
	if r.BlockFirst != 0 {
		return false
	}
	for _, part := range s.Imported {
		if part.First <= r.Number && r.Number <= part.Last {
			return true
		}
	}
	return false
}

// Check names what is wrong with r by itself; nil if nothing is. How it is linked
// to others is for [Account.Check].
func (s *Series) Check(r *Row) []Fault {
	c := checker{series: s, row: r, movedIn: s.movedIn(r)}
	c.block()
	c.date()
	c.printed()
	c.request()
	if r.Kind != external {
		c.document()
	}
	return c.faults
}
