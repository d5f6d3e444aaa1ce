package contender

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"folio/invoices"
	"folio/invoices/document"
)

// copied are the rows of one COPY, and of its transaction.
const copied = 2000

// Copy writes rows like those of a draft into a database by COPY, from one connection,
// until the window is over, and returns how many and how long it took. Numbers are
// of tenant and begin above mark.
func Copy(ctx context.Context, url, tenant string, mark int64, draft document.Draft, window time.Duration) (rows int64, took time.Duration, err error) {
	made, err := prepare(invoices.Request{Identity: invoices.Identity{Tenant: tenant, Zone: time.UTC, KeyID: "copy"}, Draft: draft})
	if err != nil {
		return 0, 0, err
	}
	connector, err := pq.NewConnector(url)
	if err != nil {
		return 0, 0, fmt.Errorf("read the database URL: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	for begun := time.Now(); took < window; took = time.Since(begun) {
		if err := made.copies(ctx, db, mark+rows); err != nil {
			return rows, took, fmt.Errorf("copy rows: %w", err)
		}
		rows += copied
	}
	return rows, took, nil
}

// copies copies r as often as copied says, with numbers above mark.
func (r *row) copies(ctx context.Context, db *sql.DB, mark int64) error {
	_, err := table{db: db}.tx(ctx, func(tx *sql.Tx) (int64, error) {
		into, err := tx.PrepareContext(ctx, `copy documents (`+columns+`) from stdin`)
		if err != nil {
			return 0, err
		}
		for i := range int64(copied) {
			n := mark + i + 1
			if _, err := into.ExecContext(ctx, r.tenant, r.series, r.period, n, "issued", r.at, "c:copy-"+decimal(n), r.digest[:],
				r.key, r.draft.IssueDate, r.draft.Currency, r.totals.Net, r.totals.Tax, r.totals.Gross, r.printed(n), r.content, "invoice"); err != nil {
				return 0, err
			}
		}
		if _, err := into.ExecContext(ctx); err != nil {
			return 0, err
		}
		return 0, into.Close()
	})
	return err
}
