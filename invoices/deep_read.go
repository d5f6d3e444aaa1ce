package invoices

import (
	"context"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Pages begin small and grow with the room that their documents leave.
const (
	deepRowsFirst = 64
	deepRowsMost  = 4000
	deepBytes     = 4 << 20 // of content, that a page should have
)

// readDeep reads what plan names, page by page, and gives each page on.
func (db *DB) readDeep(ctx context.Context, plan []deepSeries, give func(*deepPage) error) error {
	rules := deepRules{db: db}
	rows := deepRowsFirst
	for _, s := range plan {
		of, err := rules.of(ctx, s.series)
		if err != nil {
			return err
		}
		for i, span := range s.spans {
			isNew := s.new && i == len(s.spans)-1
			for from, done := span.First, false; !done; {
				p := &deepPage{series: s.series, rules: of, from: from, to: span.Last, new: isNew, checked: make(chan struct{})}
				size, err := db.readPage(ctx, p, rows)
				if err != nil {
					return err
				}
				done = p.to >= span.Last
				from = p.to + 1
				if err := give(p); err != nil {
					return err
				}
				rows = nextRows(rows, size)
			}
		}
	}
	return nil
}

// nextRows is how many rows the next page has, after one of rows had this size: at
// most twice as many.
func nextRows(rows, size int) int {
	fit := deepRowsMost
	if size > 0 {
		fit = int(int64(rows) * deepBytes / int64(size))
	}
	return max(1, min(fit, 2*rows, deepRowsMost))
}

// readPage reads rows of p from its first number, and the accounts that they touch,
// in one snapshot; p.to becomes the last number of which all is read.
func (db *DB) readPage(ctx context.Context, p *deepPage, most int) (size int, err error) {
	err = db.inSnapshot(ctx, "check the documents of "+p.series.String(), func(tx *sqlx.Tx) error {
		var err error
		if size, err = p.readRows(ctx, tx, most); err != nil {
			return err
		}
		end := p.to
		if len(p.rows) == most {
			p.to = p.rows[most-1].Number
		}
		if p.linkedTo = p.to; p.new && p.to == end {
			p.linkedTo = counter.MaxNumber // an account may be of a number that has no row
		}
		return p.readAccounts(ctx, tx)
	})
	return size, err
}

// deepColumns are the columns of a deepRow, of a table named d. Of a void, and of no
// row at all, what it lacks is empty.
const deepColumns = `coalesce(d.number, 0), coalesce(d.status, ''), coalesce(d.kind, ''), coalesce(d.request_id, ''), coalesce(d.item, 0), d.digest,
	coalesce(cast(d.issue_date as text), ''), coalesce(d.printed_number, ''), coalesce(d.currency, ''), coalesce(cast(d.net as text), ''),
	coalesce(cast(d.tax as text), ''), coalesce(cast(d.gross as text), ''), d.content, coalesce(d.block_first, 0), coalesce(d.block_last, 0),
	coalesce(d.credits_series, ''), coalesce(d.credits_period, ''), coalesce(d.credits_number, 0)`

// targets are where the columns go to; finish is called when they are there.
func (r *deepRow) targets(status *string) []any {
	return []any{
		&r.Number, status, &r.Kind, &r.RequestID, &r.Item, &r.Digest, &r.IssueDate, &r.Printed, &r.Currency, &r.Net,
		&r.Tax, &r.Gross, &r.Content, &r.BlockFirst, &r.BlockLast, &r.credits.Name, &r.credits.Period, &r.credits.Number,
	}
}

func (r *deepRow) finish(tenant, status string) {
	r.void = status == statusVoid
	if r.credits.Number == 0 {
		r.credits = key{}
		return
	}
	r.credits.Tenant = tenant
	r.Credits = r.credits.encode(idPrefix)
}

func (p *deepPage) readRows(ctx context.Context, tx *sqlx.Tx, most int) (size int, err error) {
	const query = `select ` + deepColumns + ` from documents d
		where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number between $4 and $5
		order by d.number limit $6`
	rows, err := tx.QueryContext(ctx, query, p.series.Tenant, p.series.Name, p.series.Period, p.from, p.to, most)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	p.rows = make([]deepRow, 0, most)
	for rows.Next() {
		var status string
		p.rows = append(p.rows, deepRow{})
		r := &p.rows[len(p.rows)-1]
		if err := rows.Scan(r.targets(&status)...); err != nil {
			return 0, err
		}
		r.finish(p.series.Tenant, status)
		size += len(r.Content)
	}
	return size, rows.Err()
}
