package contender

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// maximum is MAX(number) + 1, which an advisory lock of the transaction makes safe. The
// lock is its own statement: the snapshot of the next is from behind it.
type maximum struct {
	table
	lock *sql.Stmt
}

const lockTenant = `select pg_advisory_xact_lock(hashtextextended($1, 0))`

func newMaximum(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("",
		`select coalesce(max(number), 0) + 1 from documents where tenant = $1 and series = $2 and period = $3`))
	if err != nil {
		return nil, err
	}
	lock, err := t.db.Prepare(lockTenant)
	return maximum{t, lock}, err
}

func (w maximum) store(ctx context.Context, r *row) (int64, error) {
	return w.tx(ctx, func(tx *sql.Tx) (int64, error) {
		if _, err := tx.StmtContext(ctx, w.lock).ExecContext(ctx, r.tenant); err != nil {
			return 0, err
		}
		return r.put(ctx, tx.StmtContext(ctx, w.insert))
	})
}

// rowLock is a counter's row, locked until the commit: read for update, add, insert, as
// web frameworks teach it.
type rowLock struct {
	table
	read, add *sql.Stmt
}

const (
	readCounter = `select last from bench_counters where tenant = $1 and series = $2 and period = $3 for update`
	addCounter  = `update bench_counters set last = last + 1 where tenant = $1 and series = $2 and period = $3`
)

func newRowLock(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("", known))
	if err != nil {
		return nil, err
	}
	read, err := t.db.Prepare(readCounter)
	if err != nil {
		return nil, err
	}
	add, err := t.db.Prepare(addCounter)
	return rowLock{t, read, add}, err
}

func (w rowLock) store(ctx context.Context, r *row) (int64, error) {
	return w.tx(ctx, func(tx *sql.Tx) (last int64, err error) {
		if err := tx.StmtContext(ctx, w.read).QueryRowContext(ctx, r.tenant, r.series, r.period).Scan(&last); err != nil {
			return 0, err
		}
		if _, err := tx.StmtContext(ctx, w.add).ExecContext(ctx, r.tenant, r.series, r.period); err != nil {
			return 0, err
		}
		return r.put(ctx, tx.StmtContext(ctx, w.insert), last+1)
	})
}

// statement is a row stored by one statement, which may find the number itself.
type statement struct {
	table
	more func(*row) []any // parameters for the number
}

func (w statement) store(ctx context.Context, r *row) (int64, error) {
	return r.put(ctx, w.insert, w.more(r)...)
}

// newCTE is the row-lock counter as one statement: a round trip while the lock is held
// instead of four.
func newCTE(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting(`with counted as (
			update bench_counters set last = last + 1 where tenant = $1 and series = $2 and period = $3 returning last)`,
		`select last from counted`))
	return statement{t, func(*row) []any { return nil }}, err
}

// newSequence is a Postgres sequence for each tenant: fast, and every transaction that
// is rolled back leaves a hole.
func newSequence(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("", `select nextval(cast(cast($15 as text) as regclass))`))
	return statement{t, func(r *row) []any { return []any{sequenceOf(r.tenant, r.period)} }}, err
}

// newInsert is the bare insert of a row whose number costs nothing: what one statement
// for each row gives at most. Its numbers are of this process and begin anew.
func newInsert(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("", known))
	if err != nil {
		return nil, err
	}
	numbers, err := startAbove(t.db, c)
	return statement{t, func(*row) []any { return []any{numbers.next()} }}, err
}

// strides are numbers that cost nothing: the i-th of several replicas gives every
// n-th number, of all tenants together.
type strides struct {
	last    atomic.Int64
	by      int64
	replica int64
}

func (s *strides) next() int64 { return s.last.Add(s.by) + s.replica }

// startAbove makes strides above every number that is stored.
func startAbove(db *sql.DB, c Config) (*strides, error) {
	s := &strides{by: int64(c.Replicas), replica: int64(c.Replica)}
	var highest int64
	if err := db.QueryRow(`select coalesce(max(number), 0) from documents`).Scan(&highest); err != nil {
		return nil, err
	}
	s.last.Store((highest + s.by - 1) / s.by * s.by)
	return s, nil
}
