package invoices

import (
	"fmt"

	"github.com/jmoiron/sqlx"
)

// lockStrict locks the counter of a strict series until the rows are stored, so that
// nobody gives a number of it meanwhile, and reads where it stands. Spans come in the
// order of the key, in which batches lock counters, too. One that is missing is made,
// as a batch would make it.
func (r *importing) lockStrict(tx *sqlx.Tx, s *span) (first int64, err error) {
	// An import that is stopped in here holds the series up no longer than a replica would.
	const patience = `set local idle_in_transaction_session_timeout = '5s'`
	const make = `
		insert into strict_counters (tenant, series, period, first, mark, era)
		select $1, $2, $3, cast($4 as bigint), cast($4 as bigint) - 1, e.era from strict_era e
		on conflict do nothing`
	if _, err := tx.ExecContext(r.ctx, patience); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(r.ctx, make, r.tenant, s.Series, s.Period, s.First); err != nil {
		return 0, err
	}
	var c struct {
		First int64  `db:"first"`
		Mark  int64  `db:"mark"`
		Era   string `db:"era"`
		Now   string `db:"now"`
	}
	const lock = `
		select first, mark, era, current_era() as now from strict_counters
		where tenant = $1 and series = $2 and period = $3 for update`
	if err := tx.GetContext(r.ctx, &c, lock, r.tenant, s.Series, s.Period); err != nil {
		return 0, err
	}
	if c.Era != c.Now {
		return 0, fmt.Errorf("%w: %s is of era %s, Postgres is in %s; say first how it goes on (folio restored --strict)",
			ErrSeriesSuspended, s.of(r.tenant), c.Era, c.Now)
	}
	s.begun, s.mark = c.Mark >= c.First, c.Mark
	return c.First, nil
}

// moveStrict moves the counter of a strict series past the rows, in the transaction
// that stores them: each number up to its mark has a row, as ever. What lies between
// its mark and the lowest of them becomes void. One that was never used begins at the
// lowest.
func (r *importing) moveStrict(tx *sqlx.Tx, s span) error {
	if !s.begun {
		s.mark = s.First - 1
	}
	const void = `
		insert into documents (tenant, series, period, number, status, created_at, reason, void_by, void_note)
		select $1, $2, $3, n, 'void', clock_timestamp(), $6, '` + byOperator + `', 'By the import ' || $7 || '.' from generate_series(cast($4 as bigint) + 1, cast($5 as bigint) - 1) as n`
	if _, err := tx.ExecContext(r.ctx, void, r.tenant, s.Series, s.Period, s.mark, s.First, reasonImport, r.name); err != nil {
		return err
	}
	const move = `
		update strict_counters set first = case when mark < first then $4 else first end, mark = $5
		where tenant = $1 and series = $2 and period = $3`
	return insertOne(r.ctx, tx, move, r.tenant, s.Series, s.Period, s.First, s.Last)
}
