package invoices

import (
	"database/sql"

	"folio/counter"

	"github.com/lib/pq"
)

// Where arrays stand in what columns returns, for the statements that take a few of
// them.
const (
	columnTenant    = 0
	columnSeries    = 1
	columnPeriod    = 2
	columnNumber    = 3
	columnCreatedAt = 4
	columnRequestID = 5
	columnKeyID     = 7
	columnPrinted   = 13
	columnItem      = 19
)

// timeText is how a time is sent: to the microsecond, as Postgres keeps it.
const timeText = "2006-01-02T15:04:05.999999Z07:00"

// columns turns rows into the arrays $2 to $24 of insertBatch, in the order of
// documentRows. Of an external number the fields of a document are null, of a
// strict series those of a block.
func columns(rows []*row) []any {
	n := len(rows)
	text := func(get func(*row) string) any {
		all := make([]string, n)
		for i, r := range rows {
			all[i] = get(r)
		}
		return pq.Array(all)
	}
	ofDocument := func(get func(*row) string) any {
		all := make([]sql.NullString, n)
		for i, r := range rows {
			all[i] = sql.NullString{String: get(r), Valid: r.Kind != kindExternal}
		}
		return pq.Array(all)
	}
	whole := func(get func(*row) int64) any {
		all := make([]int64, n)
		for i, r := range rows {
			all[i] = get(r)
		}
		return pq.Array(all)
	}
	digests := make([][]byte, n)
	for i, r := range rows {
		digests[i] = r.Digest[:]
	}
	blocks := make([]counter.Block, n) // the zero Block of a strict series
	for i, r := range rows {
		if !r.strict() {
			blocks[i] = r.Number.Block()
		}
	}
	// 0 is nothing that a block could say.
	block := func(get func(counter.Block) int64) any {
		all := make([]sql.NullInt64, n)
		for i, b := range blocks {
			v := get(b)
			all[i] = sql.NullInt64{Int64: v, Valid: v != 0}
		}
		return pq.Array(all)
	}
	reserved := make([]sql.NullString, n)
	for i, b := range blocks {
		if b.Serial != 0 {
			reserved[i] = sql.NullString{String: b.At.Format(timeText), Valid: true}
		}
	}
	return []any{
		text(func(r *row) string { return r.key().Tenant }),
		text(func(r *row) string { return r.key().Name }),
		text(func(r *row) string { return r.key().Period }),
		whole(func(r *row) int64 { return r.key().Number }),
		text(func(r *row) string { return r.CreatedAt.Format(timeText) }),
		text(func(r *row) string { return r.RequestID }),
		pq.Array(digests),
		text(func(r *row) string { return r.KeyID }),
		text(func(r *row) string { return r.Draft.IssueDate }),
		ofDocument(func(r *row) string { return r.Draft.Currency }),
		ofDocument(func(r *row) string { return r.Totals.Net }),
		ofDocument(func(r *row) string { return r.Totals.Tax }),
		ofDocument(func(r *row) string { return r.Totals.Gross }),
		text(func(r *row) string { return r.Printed }),
		ofDocument(func(r *row) string { return r.content }),
		block(func(b counter.Block) int64 { return b.Serial }),
		block(func(b counter.Block) int64 { return b.First }),
		block(func(b counter.Block) int64 { return b.Last }),
		text(func(r *row) string { return r.Kind }),
		whole(func(r *row) int64 { return int64(r.Item) }),
		text(func(r *row) string { return r.Reference }),
		pq.Array(reserved),
		block(func(b counter.Block) int64 { return b.Revision }),
	}
}
