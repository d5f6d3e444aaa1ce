package invoices

import (
	"time"

	"folio/counter"
)

// column is one of the arrays $2 to $24 of insertBatch; the first is 0.
type column int

// The columns, in the order of documentRows.
const (
	columnTenant column = iota
	columnSeries
	columnPeriod
	columnNumber
	columnCreatedAt
	columnRequestID
	columnDigest
	columnKeyID
	columnIssueDate
	columnCurrency
	columnNet
	columnTax
	columnGross
	columnPrinted
	columnContent
	columnBlockSerial
	columnBlockFirst
	columnBlockLast
	columnKind
	columnItem
	columnReference
	columnBlockAt
	columnBlockRevision
	columnCount
)

// all turns rows into all columns, after a clear.
func (a *arrays) all(rows []*row) []any {
	a.clear()
	made := make([]any, columnCount)
	for c := range columnCount {
		made[c] = a.column(rows, c)
	}
	return made
}

// some turns rows into some columns, after a clear.
func (a *arrays) some(rows []*row, which ...column) []any {
	a.clear()
	made := make([]any, len(which))
	for i, c := range which {
		made[i] = a.column(rows, c)
	}
	return made
}

// column is one column of rows.
func (a *arrays) column(rows []*row, c column) []byte {
	for _, r := range rows {
		c.add(a, r)
	}
	return a.end()
}

// sink takes the values of a column, or of a row.
type sink interface {
	add(text string)
	null()
	whole(n int64)
	bytes(b []byte)
	time(t time.Time)
}

// add adds what r has in the column. Of an external number the fields of a document
// are null, of a strict series those of a block.
func (c column) add(a sink, r *row) {
	switch c {
	case columnTenant:
		a.add(r.place().Tenant)
	case columnSeries:
		a.add(r.place().Name)
	case columnPeriod:
		a.add(r.place().Period)
	case columnNumber:
		a.whole(r.number())
	case columnCreatedAt:
		a.time(r.CreatedAt)
	case columnRequestID:
		a.add(r.RequestID)
	case columnDigest:
		a.bytes(r.Digest[:])
	case columnKeyID:
		a.add(r.KeyID)
	case columnIssueDate:
		a.add(r.Draft.IssueDate)
	case columnPrinted:
		a.add(r.Printed)
	case columnKind:
		a.add(r.Kind)
	case columnItem:
		a.whole(int64(r.Item))
	case columnReference:
		a.add(r.Reference)
	case columnCurrency, columnNet, columnTax, columnGross, columnContent:
		c.addOfDocument(a, r)
	case columnBlockSerial, columnBlockFirst, columnBlockLast, columnBlockAt, columnBlockRevision:
		c.addOfBlock(a, r)
	}
}

func (c column) addOfDocument(a sink, r *row) {
	if r.Kind == kindExternal {
		a.null()
		return
	}
	switch c {
	case columnCurrency:
		a.add(r.Draft.Currency)
	case columnNet:
		a.add(r.Totals.Net)
	case columnTax:
		a.add(r.Totals.Tax)
	case columnGross:
		a.add(r.Totals.Gross)
	case columnContent:
		a.add(r.content)
	}
}

func (c column) addOfBlock(a sink, r *row) {
	var b counter.Block
	if !r.strict() {
		b = r.Number.Block()
	}
	known := func(n int64) {
		if n == 0 { // nothing that a block could say
			a.null()
			return
		}
		a.whole(n)
	}
	switch c {
	case columnBlockSerial:
		known(b.Serial)
	case columnBlockFirst:
		known(b.First)
	case columnBlockLast:
		known(b.Last)
	case columnBlockRevision:
		known(b.Revision)
	case columnBlockAt:
		if b.Serial == 0 {
			a.null()
			return
		}
		a.time(b.At)
	}
}
