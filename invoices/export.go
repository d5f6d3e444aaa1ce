package invoices

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jmoiron/sqlx"
)

// exportAtOnce is how many documents one statement reads.
const exportAtOnce = 2_000

// Export writes everything of a tenant to out, one JSON object per line: a first
// line that names the tenant, the parts (tenant, series, where they begin), every
// document, issued or void, in the order of series, period and number, and a last
// line that counts them, so that a file that was cut off can be told. All of it is
// of one moment, and only a few documents are in memory at a time. Blocks and keys
// are left out: they mean nothing elsewhere.
//
// [Import] of it gives the same numbers, printed numbers and, under the same name,
// the same ids; repeats of the requests go on matching. ErrNotFound: there is no
// such tenant.
func (db *DB) Export(ctx context.Context, tenant string, out io.Writer) (err error) {
	conns, err := db.unhurried()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conns.Close()) }()
	tx, err := conns.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return wrap("begin the export of "+tenant, err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	// Whoever reads the output may take their time.
	if _, err := tx.ExecContext(ctx, `set local idle_in_transaction_session_timeout = '10min'`); err != nil {
		return wrap("begin the export of "+tenant, err)
	}
	return exportAll(ctx, tx, tenant, func(line any) error {
		text, err := json.Marshal(line, json.Deterministic(true))
		if err == nil {
			_, err = out.Write(append(text, '\n'))
		}
		if err != nil {
			return fmt.Errorf("write the export of %s: %w", tenant, err)
		}
		return nil
	})
}

func exportAll(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	if _, err := findTenant(ctx, tx, tenant); err != nil {
		return err
	}
	if err := out(exportHead{Type: partExport, Version: exportVersion, Tenant: tenant}); err != nil {
		return err
	}
	for _, p := range tenantParts() {
		if err := p.write(ctx, tx, tenant, out); err != nil {
			return err
		}
	}
	count, err := exportDocuments(ctx, tx, tenant, out)
	if err != nil {
		return err
	}
	return out(exportEnd{Type: partEnd, Documents: count})
}

// exportRow is a row of documents, whole but for its block.
type exportRow struct {
	stored
	Status    string         `db:"status"`
	RequestID sql.NullString `db:"request_id"`
	Item      int            `db:"item"`
	KeyID     sql.NullString `db:"key_id"`
	IssueDate sql.NullString `db:"issue_date"`
	Reference sql.NullString `db:"reference"`
	Reason    sql.NullString `db:"reason"`
}

// declareExport opens a cursor: one scan of one snapshot, of which a page is read at a
// time. A query for each page might be planned to sort all that is left, each time.
const declareExport = `
	declare exported no scroll cursor for
	select ` + exportColumns + ` from documents d
	where d.tenant = $1
	order by d.tenant, d.series, d.period, d.number`

const exportColumns = `d.tenant, d.series, d.period, d.number, d.kind, d.created_at, coalesce(d.printed_number, '') as printed_number,
	coalesce(cast(d.content as text), '') as content, d.digest,
	` + creditsColumns + `,
	d.status, d.request_id, d.item, d.key_id, cast(d.issue_date as text) as issue_date, d.reference, d.reason`

// exportDocuments goes through the documents page by page.
func exportDocuments(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) (count int64, err error) {
	if _, err := tx.ExecContext(ctx, declareExport, tenant); err != nil {
		return 0, wrap("read the documents of "+tenant, err)
	}
	for {
		var rows []exportRow
		if err := tx.SelectContext(ctx, &rows, fmt.Sprintf(`fetch %d from exported`, exportAtOnce)); err != nil {
			return count, wrap("read the documents of "+tenant, err)
		}
		for _, row := range rows {
			line, err := row.line()
			if err == nil {
				err = out(line)
			}
			if err != nil {
				return count, err
			}
			count++
		}
		if len(rows) < exportAtOnce {
			return count, nil
		}
	}
}

// voidLine is a void number in an export; its kind and content do not exist.
type voidLine struct {
	Type      string    `json:"type"`
	Status    string    `json:"status"`
	Series    string    `json:"series"`
	Period    string    `json:"period"`
	Number    int64     `json:"number"`
	CreatedAt time.Time `json:"created_at"`
	Reason    string    `json:"reason"`
}

// externalLine is a number whose document lives elsewhere.
type externalLine struct {
	Type          string         `json:"type"`
	Kind          string         `json:"kind"`
	Series        string         `json:"series"`
	Period        string         `json:"period"`
	Number        int64          `json:"number"`
	PrintedNumber string         `json:"printed_number"`
	IssueDate     string         `json:"issue_date"`
	CreatedAt     time.Time      `json:"created_at"`
	Reference     string         `json:"reference,omitzero"`
	Request       *requestRecord `json:"request"`
	KeyID         string         `json:"key_id"`
}

// documentLine is a document as the API shows it, and what makes repeats match.
type documentLine struct {
	Type string `json:"type"`
	Invoice
	Request *requestRecord `json:"request"`
	KeyID   string         `json:"key_id"`
}

// line shows a row as a line of an export.
func (r exportRow) line() (any, error) {
	if r.Status == statusVoid {
		return voidLine{
			Type: partDocument, Status: statusVoid, Series: r.Series, Period: r.Period, Number: r.Number,
			CreatedAt: r.CreatedAt.UTC(), Reason: r.Reason.String,
		}, nil
	}
	request := &requestRecord{ID: r.RequestID.String, Item: r.Item, Digest: hex.EncodeToString(r.Digest)}
	if r.Kind == kindExternal {
		return externalLine{
			Type: partDocument, Kind: r.Kind, Series: r.Series, Period: r.Period, Number: r.Number, PrintedNumber: r.Printed,
			IssueDate: r.IssueDate.String, CreatedAt: r.CreatedAt.UTC(), Reference: r.Reference.String, Request: request, KeyID: r.KeyID.String,
		}, nil
	}
	inv, err := r.invoice()
	return documentLine{Type: partDocument, Invoice: inv, Request: request, KeyID: r.KeyID.String}, err
}
