package invoices

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// insertFresh writes the rows of one holder of which none is there yet, as is most
// often so. If one is it fails, and has written none: insertBatch is sent then. It
// answers with a count.
const insertFresh = `
	with fence as materialized (` + openHolder + `)` + insertInOrder

// insertBatch writes the rows of one holder. It reads the holder's row FOR
// SHARE: a fence, which updates that row, waits for this statement, and this
// statement, if it comes later, sees the fence and writes nothing. (FOR KEY
// SHARE would not do: an update does not wait for it.) It writes nothing either
// if the holder belongs to another era.
//
// The rows are inserted in one order in all replicas, so that two batches that
// share requests do not wait for each other in a circle. A row whose number or
// request is there already is left out, which makes the statement harmless when
// it is executed twice.
//
// The answer has one line if every row was written, as is most often so; else one
// for each that was, and always one: open tells whether the holder could write.
const insertBatch = `
	with fence as materialized (` + openHolder + `),` + insertRows

// insertStrict is insertBatch of rows of strict series, which have no holder: $1 is "".
// What keeps them apart from others is the lock of their counters.
const insertStrict = `
	with fence as materialized (` + noHolder + `),` + insertRows

// insertStrictFresh is insertFresh of them.
const insertStrictFresh = `
	with fence as materialized (` + noHolder + `)` + insertInOrder

// insertInOrder inserts rows q of holder f.
const insertInOrder = `
		insert into documents (` + documentColumns + `)
		select ` + documentValues + `
		from ` + documentRows + ` cross join fence f
		order by q.tenant collate "C", q.request_id collate "C", q.item`

// insertRows is the statement behind its fence.
const insertRows = `
	written as (` + insertInOrder + `
		on conflict do nothing
		returning tenant, series, period, number)
	select exists (select 1 from fence) as open, n.count, w.tenant, w.series, w.period, w.number
	from (select count(*) as count from written) as n left join written w on n.count < cardinality(cast($2 as text[]))`

// The parts of a statement that inserts documents: the holder's row, if it may
// write, or that there is none; the columns; their values, of rows q and holder f;
// and the rows, which are $2 to $24, see columns.
const (
	openHolder = `
		with turn as materialized (select pg_advisory_xact_lock_shared(` + holderTurn + `))
		select h.holder from turn cross join holders h
		where h.holder = $1 and h.fenced_at is null and h.era = ` + presentEra + `
		for share of h`
	noHolder        = `select nullif($1, '') as holder`
	documentColumns = `tenant, series, period, number, status, created_at,
			request_id, digest, key_id, issue_date, currency, net, tax, gross, printed_number, content,
			kind, item, reference, holder, block_serial, block_first, block_last, block_at, block_revision`
	documentValues = `q.tenant, q.series, q.period, q.number, 'issued', q.created_at,
			q.request_id, q.digest, q.key_id, q.issue_date, q.currency, q.net, q.tax, q.gross, q.printed_number, cast(q.content as json),
			q.kind, q.item, nullif(q.reference, ''), f.holder, q.block_serial, q.block_first, q.block_last, q.block_at, q.block_revision`
	documentRows = `unnest(cast($2 as text[]), cast($3 as text[]), cast($4 as text[]), cast($5 as bigint[]), cast($6 as timestamptz[]),
			cast($7 as text[]), cast($8 as bytea[]), cast($9 as text[]), cast($10 as date[]), cast($11 as text[]),
			cast($12 as numeric[]), cast($13 as numeric[]), cast($14 as numeric[]), cast($15 as text[]), cast($16 as text[]),
			cast($17 as bigint[]), cast($18 as bigint[]), cast($19 as bigint[]),
			cast($20 as text[]), cast($21 as integer[]), cast($22 as text[]), cast($23 as timestamptz[]), cast($24 as bigint[]))
			as ` + documentRow
	documentRow = `q (tenant, series, period, number, created_at, request_id, digest, key_id, issue_date, currency,
				net, tax, gross, printed_number, content, block_serial, block_first, block_last, kind, item, reference, block_at, block_revision)`
)

// holderTurn is the advisory lock of a holder's turn, $1. Shares of a row do not queue: who
// wants to update it waits for those that he found, and others may have come meanwhile,
// without end. So who shares a holder's row shares its turn before, and a fence has that for
// itself: what comes later waits behind it. It decides nothing, and keeps nobody out; the row
// does.
const holderTurn = `hashtextextended('folio holder ' || cast($1 as text), 0)`

// lookUpBatch finds, in one snapshot, what is stored under each request, and
// whether each number, and each printed number, is in use.
const lookUpBatch = `
	select q.i, exists (
		select 1 from documents n
		where n.tenant = q.tenant and n.series = q.series and n.period = q.period and n.number = q.number) as taken,
		exists (select 1 from documents p where p.tenant = q.tenant and p.printed_number = q.printed_number) as clash,
		coalesce(d.tenant, '') as tenant, coalesce(d.series, '') as series, coalesce(d.period, '') as period,
		coalesce(d.number, 0) as number, coalesce(d.kind, '') as kind, coalesce(d.created_at, 'epoch') as created_at,
		coalesce(d.printed_number, '') as printed_number, coalesce(cast(d.content as text), '') as content, d.digest,
		coalesce(d.credits_series, '') as credits_series, coalesce(d.credits_period, '') as credits_period,
		coalesce(d.credits_number, 0) as credits_number
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as text[]),
			cast($6 as integer[]), cast($7 as text[]))
		with ordinality as q (tenant, series, period, number, request_id, item, printed_number, i)
	left join documents d on d.tenant = q.tenant and d.request_id = q.request_id and d.item = q.item
	order by q.i`

// line is one connection, held by one writer, on which no statement is ever
// sent twice behind our back.
type line struct {
	conn   *sqlx.Conn
	fresh  *sqlx.Stmt        // insertFresh or insertStrictFresh, prepared
	write  *sqlx.Stmt        // insertBatch or insertStrict
	alone  *sqlx.Stmt        // insertAlone; nil on a line that writes strict series
	books  *strictStatements // nil on a line that writes no strict series
	made   arrays            // the parameters of the statement that is being sent
	wary   int               // so many batches are still to be sent without hope, see hopeful
	warned error             // a warning that the server sent with its answer
	until  time.Time         // when its life is over
}

// over reports whether a connection is to be made anew: who may connect may have
// changed since.
func (l *line) over() bool { return time.Now().After(l.until) }

// connect takes a connection for a writer. Nothing has been sent if it fails.
func (db *DB) connect(ctx context.Context) (*line, error) {
	l, err := db.lineFor(ctx, insertFresh, insertBatch)
	if err != nil {
		return nil, err
	}
	if l.alone, err = l.conn.PreparexContext(ctx, insertAlone); err != nil {
		l.drop()
		return nil, wrap("connect to Postgres", err)
	}
	return l, nil
}

func (db *DB) lineFor(ctx context.Context, fresh, write string) (*line, error) {
	conn, err := db.batches.Connx(ctx)
	if err != nil {
		return nil, wrap("connect to Postgres", err)
	}
	l := &line{conn: conn, until: time.Now().Add(db.stay())}
	err = conn.Raw(func(c any) error {
		pq.SetNoticeHandler(driverConn(c), l.notice)
		return nil
	})
	if err == nil {
		l.fresh, err = conn.PreparexContext(ctx, fresh)
	}
	if err == nil {
		l.write, err = conn.PreparexContext(ctx, write)
	}
	if err != nil {
		l.drop()
		return nil, wrap("connect to Postgres", err)
	}
	return l, nil
}

// notice keeps a warning (a mere notice has class 00). The one that matters
// comes when the wait for a synchronous standby was cancelled: the answer says
// success, and the standby may know nothing of it. To send the batch again then
// waits for the standby again: the share of the holder's row has to be
// replicated too, after the rows.
func (l *line) notice(n *pq.Error) {
	if n.Code.Class() != "00" {
		l.warned = n
	}
}

// keep gives the connection back, to be used again.
func (l *line) keep() {
	_ = l.fresh.Close()
	_ = l.write.Close()
	if l.alone != nil {
		_ = l.alone.Close()
	}
	l.books.close()
	_ = l.conn.Raw(func(c any) error {
		pq.SetNoticeHandler(driverConn(c), nil)
		return nil
	})
	_ = l.conn.Close() // hands it back; what is wrong with it shows at its next use
}

// drop closes the connection: what is under way on it is not known.
func (l *line) drop() { discard(l.conn) }

// wrote is what became of the rows of one statement.
type wrote struct {
	open  bool         // the holder could write
	moved bool         // of a credit note: its invoice's account has other notes than it was made for
	count int          // rows committed
	all   bool         // every one
	keys  map[key]bool // which, if not all
}

// has reports whether r was committed.
func (w wrote) has(r *row) bool { return w.all || w.count > 0 && w.keys[r.key()] }

// insert sends rows, all of one holder, once; a credit note is sent alone. The
// context bears no deadline: the server ends the statement, the connection ends
// a silence, and cancelling would only make the outcome less certain.
func (l *line) insert(holder string, rows []*row) (wrote, error) {
	l.warned = nil
	got, err := l.executeHopefully(holder, rows)
	if err == nil && l.warned != nil {
		return wrote{}, fmt.Errorf("committed with a warning: %s", l.warned)
	}
	return got, err
}

// executeHopefully is insert without regard to warnings.
func (l *line) executeHopefully(holder string, rows []*row) (wrote, error) {
	if len(rows) > 1 && l.hopeful() {
		got, err := l.executeFresh(holder, rows)
		if err == nil || !l.met(err) {
			return got, err
		}
	}
	return l.execute(holder, rows)
}

// execute sends rows by a statement that leaves out what is there already.
func (l *line) execute(holder string, rows []*row) (wrote, error) {
	var answer []struct {
		Open    bool           `db:"open"`
		Count   int            `db:"count"`   // of a credit note: not said
		Current bool           `db:"current"` // of a credit note
		Tenant  sql.NullString `db:"tenant"`
		Series  sql.NullString `db:"series"`
		Period  sql.NullString `db:"period"`
		Number  sql.NullInt64  `db:"number"`
	}
	crediting := len(rows) == 1 && rows[0].credit != nil
	if len(rows) == 1 && !crediting && l.alone != nil {
		done, err := l.executeAlone(holder, rows[0])
		if err != nil {
			return wrote{}, err
		}
		if done {
			return wrote{open: true, count: 1, all: true}, nil
		}
	}
	args := append([]any{holder}, l.made.all(rows)...)
	var err error
	if crediting {
		err = l.conn.SelectContext(context.Background(), &answer, l.insertCredit(), append(args, rows[0].credit.values()...)...)
	} else {
		err = l.write.SelectContext(context.Background(), &answer, args...)
	}
	if err != nil {
		return wrote{}, err
	}
	w := wrote{open: answer[0].Open, moved: crediting && !answer[0].Current, count: answer[0].Count}
	if w.all = w.count == len(rows); w.all {
		return w, nil
	}
	w.keys = make(map[key]bool)
	for _, a := range answer {
		if a.Number.Valid {
			series := counter.Series{Tenant: a.Tenant.String, Name: a.Series.String, Period: a.Period.String}
			w.keys[key{Series: series, Number: a.Number.Int64}] = true
		}
	}
	w.count = len(w.keys)
	return w, nil
}

// executeFresh sends rows by a statement that fails when one of them is there already.
// None is a credit note.
func (l *line) executeFresh(holder string, rows []*row) (wrote, error) {
	args := append([]any{holder}, l.made.all(rows)...)
	n, err := affected(l.fresh.ExecContext(context.Background(), args...))
	if err != nil || n == 0 {
		return wrote{}, err
	}
	return wrote{open: true, count: n, all: n == len(rows)}, nil
}

// wariness is how many batches are sent without hope after one has met a row that was
// there: repeats seldom come alone, and one that is met costs a statement that is undone.
const wariness = 50

// hopeful reports whether the next batch is to be sent as if none of its rows were there
// yet.
func (l *line) hopeful() bool {
	if l.wary > 0 {
		l.wary--
		return false
	}
	return true
}

// met reports whether a statement failed, and stored nothing, because a row is there
// already; and makes l wary.
func (l *line) met(err error) bool {
	if !judge(err).exists {
		return false
	}
	l.wary = wariness
	return true
}

// found is what is stored for a row that did not come back.
type found struct {
	Index int64 `db:"i"`
	Taken bool  `db:"taken"` // the number has a row
	Clash bool  `db:"clash"` // the printed number is another document's, or this row's
	stored
}

// lookUp finds what is stored for rows, in their order.
func (l *line) lookUp(rows []*row) ([]found, error) {
	var answer []found
	err := l.conn.SelectContext(context.Background(), &answer, lookUpBatch,
		l.made.some(rows, columnTenant, columnSeries, columnPeriod, columnNumber, columnRequestID, columnItem, columnPrinted)...)
	return answer, err
}
