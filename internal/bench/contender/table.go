package contender

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"folio/invoices"
)

// table is folio's table, of a contender's own database, and the statement by which the
// contender inserts one row.
type table struct {
	db     *sql.DB
	insert *sql.Stmt
	find   *sql.Stmt // what a request led to
}

// errNew: the request of a row is not stored yet.
var errNew = errors.New("the request is not stored")

// errRepeat: the request of a row is stored already; this time nothing was.
var errRepeat = errors.New("the request is stored already")

// columns are those of a document that is not from a block.
const columns = `tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date,
	currency, net, tax, gross, printed_number, content, kind`

// inserting is the statement that inserts one row with the number that a query from
// gives; parameters from $15 on are the query's.
func inserting(with, from string) string {
	return with + ` insert into documents (` + columns + `)
		select $1, $2, $3, n.number, 'issued', $4, $5, $6, $7, $8, $9, $10, $11, $12,
			$13 || lpad(cast(n.number as text), greatest(6, length(cast(n.number as text))), '0'), cast($14 as json), 'invoice'
		from (` + from + `) as n (number)
		returning number`
}

// known is the query for a number that is known: $15.
const known = `select cast($15 as bigint)`

// open opens the table; most bounds its connections.
func open(url string, most int, insert string) (table, error) {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return table{}, fmt.Errorf("read the database URL: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(2 * time.Second) // the next contender wants some, too
	t := table{db: db}
	if t.insert, err = db.Prepare(insert); err == nil {
		t.find, err = db.Prepare(findRequest)
	}
	if err != nil {
		return table{}, errors.Join(fmt.Errorf("prepare the statements of a contender: %w", err), db.Close())
	}
	return t, nil
}

func (t table) close() error { return t.db.Close() }

// values are the parameters of inserting.
func (r *row) values(more ...any) []any {
	return append([]any{
		r.tenant, r.series, r.period, r.at, r.request, r.digest[:], r.key, r.draft.IssueDate,
		r.draft.Currency, r.totals.Net, r.totals.Tax, r.totals.Gross, r.prefix, r.content,
	}, more...)
}

// put inserts r by a statement.
func (r *row) put(ctx context.Context, insert *sql.Stmt, more ...any) (n int64, err error) {
	return n, judge(insert.QueryRowContext(ctx, r.values(more...)...).Scan(&n))
}

// judge reads a driver's error; no other place does.
func judge(err error) error {
	var e *pq.Error
	if errors.As(err, &e) && e.Constraint == "documents_request" {
		return errRepeat
	}
	return err
}

// tx runs do in a transaction.
func (t table) tx(ctx context.Context, do func(*sql.Tx) (int64, error)) (int64, error) {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	n, err := do(tx)
	if err != nil {
		_ = tx.Rollback() // the first error tells
		return 0, err
	}
	return n, tx.Commit()
}

const findRequest = `select number, created_at, digest, cast(content as text) from documents where tenant = $1 and request_id = $2 and item = 0`

// repeated implements way: what stands in the row of the request.
func (t table) repeated(ctx context.Context, r *row) (invoices.Issued, error) {
	var n int64
	var at time.Time
	var digest []byte
	var text string
	err := t.find.QueryRowContext(ctx, r.tenant, r.request).Scan(&n, &at, &digest, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return invoices.Issued{}, errNew
	}
	if err != nil {
		return invoices.Issued{}, fmt.Errorf("look up a request: %w", err)
	}
	if string(digest) != string(r.digest[:]) {
		return invoices.Issued{}, invoices.ErrRequestReused
	}
	var c content
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return invoices.Issued{}, fmt.Errorf("decode a stored invoice: %w", err)
	}
	r.at, r.draft, r.seller, r.totals = at.UTC(), c.Draft, c.Seller, c.Totals
	return invoices.Issued{Invoice: r.invoice(n), Replayed: true}, nil
}

// sequenceOf names the Postgres sequence of a tenant's invoices in a year.
func sequenceOf(tenant, period string) string {
	return "numbers_" + strings.ReplaceAll(tenant, "-", "_") + "_" + period
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
