package invoices

import (
	"context"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// The two states of a row.
const (
	statusIssued = "issued"
	statusVoid   = "void"
)

// statusCancelled is the status of an invoice of which nothing is left. It is
// derived when it is read: rows are never changed.
const statusCancelled = "cancelled"

// What an issued row is.
const (
	kindInvoice    = "invoice"
	kindCreditNote = "credit_note"
	kindExternal   = "external" // a number whose document lives elsewhere
)

// selectRuns reads which numbers of a series between two have a row, as unbroken
// ranges: the answer grows with the breaks, not with the documents.
const selectRuns = `
	select min(number) as first, max(number) as last
	from (select d.number, d.number - row_number() over (order by d.number) as island
	      from documents d
	      where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number between $4 and $5) d
	group by island
	order by 1`

// readRuns reads which numbers of r have a row, in one statement.
func readRuns(ctx context.Context, q sqlx.QueryerContext, s counter.Series, r counter.Range) ([]counter.Range, error) {
	var rows []rangeRow
	err := sqlx.SelectContext(ctx, q, &rows, selectRuns, s.Tenant, s.Name, s.Period, r.First, r.Last)
	if err != nil {
		return nil, wrap("read the documents "+r.String()+" of "+s.String(), err)
	}
	return rangesOf(rows), nil
}

// rangeRow is a range as a statement returns it.
type rangeRow struct {
	First int64 `db:"first"`
	Last  int64 `db:"last"`
}

func rangesOf(rows []rangeRow) []counter.Range {
	ranges := make([]counter.Range, len(rows))
	for i, r := range rows {
		ranges[i] = counter.Range{First: r.First, Last: r.Last}
	}
	return ranges
}
