package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// strictToAudit lists the strict series that f selects.
func strictToAudit(ctx context.Context, db *DB, f AuditFilter) ([]counter.Series, error) {
	counters, err := db.StrictCounters(ctx, f.Tenant, f.Series)
	if err != nil {
		return nil, err
	}
	var all []counter.Series
	for _, c := range counters {
		if f.selects(c.Series) {
			all = append(all, c.Series)
		}
	}
	return all, nil
}

// auditStrict accounts for the numbers of a strict series. Its counter and its
// rows are read in one snapshot, in which each number up to the mark has a row,
// and no number above it.
func auditStrict(ctx context.Context, db *DB, ledgers Ledgers, s counter.Series) (Account, error) {
	_, version, err := ledgers.Load(ctx, s)
	damaged := errors.Is(err, counter.ErrDamaged)
	if err != nil && !damaged {
		return Account{}, fmt.Errorf("read the ledger of %s: %w", s, err)
	}
	var c strictCounter
	var runs []run
	err = db.inSnapshot(ctx, "account for "+s.String(), func(tx *sqlx.Tx) error {
		const query = `select tenant, series, period, first, mark, era from strict_counters where tenant = $1 and series = $2 and period = $3`
		if err := tx.GetContext(ctx, &c, query, s.Tenant, s.Name, s.Period); err != nil {
			return err
		}
		var err error
		runs, err = readAllRuns(ctx, tx, s)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	a := classify(s, counter.Ledger{First: c.First, Mark: c.Mark}, runs)
	a.Strict = true
	if version != "" || damaged {
		a.Findings = append(a.Findings, "there is a ledger in etcd, although the series is strict: its numbers come from Postgres alone")
	}
	return a, nil
}

// inSnapshot runs do in a transaction whose statements all see the same.
func (db *DB) inSnapshot(ctx context.Context, doing string, do func(*sqlx.Tx) error) error {
	tx, err := db.audits.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return wrap(doing, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return wrap(doing, do(tx))
}
