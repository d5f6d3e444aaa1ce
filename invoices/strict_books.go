package invoices

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"folio/counter"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// strictStatements are the statements of a line that writes strict series. A transaction is
// begun and committed by statements, too: while a sql.Tx is open on a connection,
// database/sql locks up when another statement on it finds the connection broken.
type strictStatements struct {
	lock, find, look, void, advance *sqlx.Stmt
}

// connectStrict takes a connection for the writer of strict series. Nothing has
// been sent if it fails.
func (db *DB) connectStrict(ctx context.Context) (*line, error) {
	l, err := db.lineFor(ctx, insertStrictFresh, insertStrict)
	if err != nil {
		return nil, err
	}
	l.books = &strictStatements{}
	for _, prepare := range []struct {
		into **sqlx.Stmt
		text string
	}{
		{&l.books.lock, lockCounters},
		{&l.books.find, findRequestsOfBatch},
		{&l.books.look, findObstacles},
		{&l.books.void, insertClashes},
		{&l.books.advance, advanceCounters},
	} {
		if *prepare.into, err = l.conn.PreparexContext(ctx, prepare.text); err != nil {
			l.drop()
			return nil, wrap("connect to Postgres", err)
		}
	}
	return l, nil
}

func (b *strictStatements) close() {
	if b == nil {
		return
	}
	for _, s := range []*sqlx.Stmt{b.lock, b.find, b.look, b.void, b.advance} {
		_ = s.Close() // as the connection is given back
	}
}

// begin begins a transaction in which each statement sees what was committed
// before the statement: the look-up has to see what was committed before the lock
// was had.
func (l *line) begin() error {
	_, err := l.conn.ExecContext(context.Background(), `begin isolation level read committed`)
	return err
}

// commit ends the transaction. An error that leaves the fate open leaves that of
// the whole transaction open; so does a warning, see notice.
func (l *line) commit() error {
	l.warned = nil
	if _, err := l.conn.ExecContext(context.Background(), `commit`); err != nil {
		return err
	}
	if l.warned != nil {
		return fmt.Errorf("committed with a warning: %s", l.warned)
	}
	return nil
}

func (l *line) rollback() error {
	_, err := l.conn.ExecContext(context.Background(), `rollback`)
	return err
}

// insertCounters makes the counters that are missing. It is committed by itself,
// and executed twice changes nothing. A counter that a failover has lost is made
// anew here, too: that is why its era is not the present one, but the one in
// which strict series may go on.
const insertCounters = `
	insert into strict_counters (tenant, series, period, first, mark, era)
	select q.tenant, q.series, q.period, q.first, q.first - 1, e.era
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[])) as q (tenant, series, period, first)
	cross join strict_era e
	order by q.tenant collate "C", q.series collate "C", q.period collate "C"
	on conflict do nothing`

func (l *line) makeCounters(places []strictPlace) error {
	firsts := make([]int64, len(places))
	for i, p := range places {
		firsts[i] = p.First
	}
	_, err := l.conn.ExecContext(context.Background(), insertCounters, append(placeColumns(places), pq.Array(firsts))...)
	return err
}

// lockCounters locks the counters in one order in all replicas, the order of the
// key: two batches with the same series wait for each other, but never in a
// circle.
const lockCounters = `
	select c.tenant, c.series, c.period, c.first, c.mark, c.era
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[])) as q (tenant, series, period)
	join strict_counters c on c.tenant = q.tenant and c.series = q.series and c.period = q.period
	order by c.tenant, c.series, c.period
	for update of c`

// lockCounters returns the counters of places, as far as there are any.
func (l *line) lockCounters(places []strictPlace) (map[counter.Series]*strictCounter, error) {
	var rows []strictCounter
	if err := l.books.lock.SelectContext(context.Background(), &rows, placeColumns(places)...); err != nil {
		return nil, err
	}
	counters := make(map[counter.Series]*strictCounter, len(rows))
	for i := range rows {
		rows[i].was = rows[i].Mark
		counters[rows[i].series()] = &rows[i]
	}
	return counters, nil
}

func placeColumns(places []strictPlace) []any {
	tenants, names, periods := make([]string, len(places)), make([]string, len(places)), make([]string, len(places))
	for i, p := range places {
		tenants[i], names[i], periods[i] = p.Tenant, p.Name, p.Period
	}
	return []any{pq.Array(tenants), pq.Array(names), pq.Array(periods)}
}

// findRequestsOfBatch tells which requests have a row, which rows have the key of
// another request, whose row of item 0 is stored, the rules that the series have by
// now, and the present era. For a batch that is sent with hope no request is looked
// for. It does not read the rows: while counters are locked, an answer must not be so
// large that a client that stopped reading could block the server.
const findRequestsOfBatch = `
	select ` + presentEra + ` as era, array(
		select q.i
		from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as integer[])) with ordinality as q (tenant, request_id, item, i)
		where exists (select from documents d where d.tenant = q.tenant and d.request_id = q.request_id and d.item = q.item)) as found, array(
		select q.i
		from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as integer[]), cast($4 as bytea[])) with ordinality as q (tenant, request_id, item, digest, i)
		where q.item > 0 and exists (
			select from documents d
			where d.tenant = q.tenant and d.request_id = q.request_id and d.item = 0 and d.digest <> q.digest)) as reused, array(
		select coalesce(s.numbering || ' ' || s.period, '')
		from unnest(cast($5 as text[]), cast($6 as text[])) with ordinality as q (tenant, series, i)
		left join series s on s.tenant = q.tenant and s.name = q.series
		order by q.i) as rules`

// earlier is what is stored of the requests of rows, of each row.
type earlier struct {
	found  []bool // its request has it stored
	reused []bool // its key is another request's
}

// findRequests tells what is stored of the requests of rows, and retires
// the counters of places whose series has another numbering or period by now.
// Putting such a rule waits for whoever holds a counter, see putSeries.
func (l *line) findRequests(rows []*row, places []strictPlace, counters map[counter.Series]*strictCounter) (era string, before earlier, err error) {
	var answer struct {
		Era    string         `db:"era"`
		Found  pq.Int64Array  `db:"found"`
		Reused pq.Int64Array  `db:"reused"`
		Rules  pq.StringArray `db:"rules"` // numbering and period of each place's series; "" if it has none
	}
	args := append(l.made.some(rows, columnTenant, columnRequestID, columnItem, columnDigest), placeColumns(places)[:2]...)
	if err := l.books.find.GetContext(context.Background(), &answer, args...); err != nil {
		return "", earlier{}, err
	}
	for i, text := range answer.Rules {
		numbering, period, _ := strings.Cut(text, " ")
		r := rule{Series: Series{Numbering: numbering}, period: document.PeriodRule(period)}
		counters[places[i].Series].retired = text != "" && !r.keeps(places[i].Series, true)
	}
	return answer.Era, earlier{marked(len(rows), answer.Found), marked(len(rows), answer.Reused)}, nil
}

// marked has true at places, of which the first is 1.
func marked(count int, places []int64) []bool {
	all := make([]bool, count)
	for _, i := range places {
		all[i-1] = true
	}
	return all
}

// findObstacles tells what stands in the way of rows that did not come back.
const findObstacles = `
	select exists (
		select 1 from documents n
		where n.tenant = q.tenant and n.series = q.series and n.period = q.period and n.number = q.number) as taken,
		exists (select 1 from documents p where p.tenant = q.tenant and p.printed_number = q.printed_number) as clash
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as text[]))
		with ordinality as q (tenant, series, period, number, printed_number, i)
	order by q.i`

func (l *line) obstacles(rows []*row) ([]obstacle, error) {
	var answer []obstacle
	err := l.books.look.SelectContext(context.Background(), &answer,
		l.made.some(rows, columnTenant, columnSeries, columnPeriod, columnNumber, columnPrinted)...)
	return answer, err
}

// insertClashes records numbers that are void because their printed number is
// another document's.
const insertClashes = `
	insert into documents (tenant, series, period, number, status, created_at, reason, void_by, void_note)
	select q.tenant, q.series, q.period, q.number, 'void', q.created_at, '` + reasonPrintedClash + `', q.void_by, q.void_note
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as timestamptz[]),
			cast($6 as text[]), cast($7 as text[]))
		as q (tenant, series, period, number, created_at, void_by, void_note)
	on conflict do nothing`

// voidClashes returns how many voids were written.
func (l *line) voidClashes(rows []*row) (int, error) {
	notes := make([]string, len(rows))
	for i, r := range rows {
		notes[i] = clashNote(r.Printed)
	}
	args := l.made.some(rows, columnTenant, columnSeries, columnPeriod, columnNumber, columnCreatedAt, columnKeyID)
	return affected(l.books.void.ExecContext(context.Background(), append(args, pq.Array(notes))...))
}

// advanceCounters moves counters that are locked, each from the mark it was read
// at.
const advanceCounters = `
	update strict_counters c set first = m.first, mark = m.mark, era = $7
	from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]), cast($6 as bigint[]))
		as m (tenant, series, period, first, mark, was)
	where c.tenant = m.tenant and c.series = m.series and c.period = m.period and c.mark = m.was`

// advance stores where counters stand now, in the present era.
func (l *line) advance(counters []*strictCounter, era string) error {
	n := len(counters)
	places := make([]strictPlace, n)
	firsts, marks, were := make([]int64, n), make([]int64, n), make([]int64, n)
	for i, c := range counters {
		places[i].Series = c.series()
		firsts[i], marks[i], were[i] = c.First, c.Mark, c.was
	}
	args := append(placeColumns(places), pq.Array(firsts), pq.Array(marks), pq.Array(were), era)
	moved, err := affected(l.books.advance.ExecContext(context.Background(), args...))
	if err == nil && moved != n {
		err = fmt.Errorf("%d of %d locked counters moved", moved, n)
	}
	return err
}

func affected(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}
