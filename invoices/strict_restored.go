package invoices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
)

// reasonRestore: the number may have been acknowledged before Postgres was
// restored to an earlier state.
const reasonRestore = "restore"

// lockStrictCounters waits for every transaction that has locked a counter, and
// keeps new ones out.
const lockStrictCounters = `lock table strict_counters in exclusive mode`

// ContinueStrict says that strict series may go on in the present era, which it
// returns, each where its rows end: nothing that was acknowledged was lost.
func (db *DB) ContinueStrict(ctx context.Context) (string, error) {
	var now string
	err := db.inTx(ctx, "let strict series go on", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, lockStrictCounters); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &now, `select current_era()`); err != nil {
			return err
		}
		for _, update := range []string{
			`update strict_counters set era = $1 where era <> $1`,
			`update strict_era set era = $1`,
		} {
			if _, err := tx.ExecContext(ctx, update, now); err != nil {
				return err
			}
		}
		return nil
	})
	return now, err
}

// SkipStrict says that a strict series goes on above the number to in the present
// era: what it has not given up to there becomes void, since documents that were
// lost may bear those numbers. It returns how many numbers became void. Executed
// twice it changes nothing. ErrNotFound: there is no such strict series.
// *document.InvalidError: to lies below what the series has given, or too far
// above it.
func (db *DB) SkipStrict(ctx context.Context, s counter.Series, to int64) (voided int64, err error) {
	return db.moveStrict(AskedByOperator(ctx), s, strictMove{to: to, adopt: true})
}

// seekStrict makes sure that no number of a strict series up to last is given any
// more; what it skips is void for the reason. ErrSeriesSuspended, ErrTooMany.
func (db *DB) seekStrict(ctx context.Context, s counter.Series, last int64, reason string) error {
	_, err := db.moveStrict(ctx, s, strictMove{to: last, reason: reason})
	return err
}

// strictMove is where a strict series is to be moved, and how.
type strictMove struct {
	to     int64
	reason string // of the voids; "": what happened to Postgres
	adopt  bool   // the series goes on in the present era, whatever its own is
}

// moveStrict moves a series in steps of seekStep numbers, each a transaction. What
// was done when ctx ends stays done, and the next call goes on there.
func (db *DB) moveStrict(ctx context.Context, s counter.Series, m strictMove) (voided int64, err error) {
	for {
		n, done, err := db.stepStrict(ctx, s, m)
		if voided += n; done || err != nil {
			return voided, err
		}
	}
}

func (db *DB) stepStrict(ctx context.Context, s counter.Series, m strictMove) (voided int64, done bool, err error) {
	doing := fmt.Sprintf("let %s go on above %d", s, m.to)
	var reason string
	err = transact(ctx, db.lookUps, doing, func(tx *sqlx.Tx) error {
		if err := ensureStrictCounter(ctx, tx, s); err != nil {
			return err
		}
		c, now, err := lockStrictCounter(ctx, tx, s)
		if err != nil {
			return err
		}
		if err := m.check(c, now); err != nil {
			return err
		}
		mark := max(c.Mark, min(c.Mark+seekStep, m.to))
		done = mark >= m.to
		reason = cmp.Or(m.reason, skipReason(c.Era, now))
		if voided, err = voidStrict(ctx, tx, s, counter.Range{First: c.Mark + 1, Last: mark}, reason); err != nil {
			return err
		}
		if m.adopt && done {
			c.Era = now
		}
		_, err = tx.ExecContext(ctx, `update strict_counters set mark = $4, era = $5 where tenant = $1 and series = $2 and period = $3`,
			s.Tenant, s.Name, s.Period, mark, c.Era)
		return err
	})
	if err == nil {
		db.voided.add(reason, voided)
	}
	return voided, done, err
}

// check refuses a move of c that nobody can mean.
func (m strictMove) check(c strictCounter, now string) error {
	switch {
	case !m.adopt && c.Era != now:
		return ErrSeriesSuspended
	case !m.adopt && m.to-c.Mark > seekMost:
		return ErrTooMany
	case !m.adopt:
		return nil
	case m.to < c.Mark || m.to > counter.MaxNumber:
		return invalid("/to", fmt.Sprintf("is %d; the series has given numbers up to %d, give that or more", m.to, c.Mark))
	case m.to-c.Mark > seekMost:
		return invalid("/to", fmt.Sprintf("is %d, which skips %d numbers; the series has given numbers up to %d, and at most %d are skipped at once", m.to, m.to-c.Mark, c.Mark, seekMost))
	}
	return nil
}

// skipReason says why numbers are skipped that may have been given in era was.
func skipReason(was, now string) string {
	before, err := parseEra(was)
	present, errNow := parseEra(now)
	if err == nil && errNow == nil && before.system == present.system && before.epoch == present.epoch && before.timeline != present.timeline {
		return reasonFailover
	}
	return reasonRestore
}

// ensureStrictCounter makes the counter of s if it is missing: perhaps it was lost.
func ensureStrictCounter(ctx context.Context, tx *sqlx.Tx, s counter.Series) error {
	said, err := findSeries(ctx, tx, s.Tenant, s.Name)
	if err != nil {
		return err
	}
	rule, err := said.rule()
	if err != nil {
		return err
	}
	if rule.Numbering != numberingStrict {
		return fmt.Errorf("%s is no strict series: %w", s, ErrNotFound)
	}
	if !rule.period.Fits(s.Period) {
		return invalid("/series", fmt.Sprintf("%q is no period of %s/%s, which restarts by %s", s.Period, s.Tenant, s.Name, rule.Period))
	}
	places := []strictPlace{rule.strictPlace(s)}
	_, err = tx.ExecContext(ctx, insertCounters, append(placeColumns(places), fmt.Sprintf("{%d}", places[0].First))...)
	return err
}

func lockStrictCounter(ctx context.Context, tx *sqlx.Tx, s counter.Series) (c strictCounter, now string, err error) {
	const query = `select tenant, series, period, first, mark, era from strict_counters
		where tenant = $1 and series = $2 and period = $3 for update`
	if err := tx.GetContext(ctx, &c, query, s.Tenant, s.Name, s.Period); err != nil {
		return c, "", err
	}
	err = tx.GetContext(ctx, &now, `select current_era()`)
	return c, now, err
}

// voidStrict inserts a void for each number that has no row, in pieces, by who
// asked for it.
func voidStrict(ctx context.Context, tx *sqlx.Tx, s counter.Series, r counter.Range, reason string) (voided int64, err error) {
	const insert = `
		insert into documents (tenant, series, period, number, status, created_at, reason, void_by)
		select $1, $2, $3, n, 'void', $4, $5, nullif($8, '')
		from generate_series(cast($6 as bigint), cast($7 as bigint)) as n
		on conflict do nothing`
	at := time.Now().UTC().Truncate(time.Microsecond)
	for _, part := range accounts.Pieces([]counter.Range{r}, voidsAtOnce) {
		n, err := affected(tx.ExecContext(ctx, insert, s.Tenant, s.Name, s.Period, at, reason, part.First, part.Last, whoAsked(ctx, "")))
		if err != nil {
			return 0, err
		}
		voided += int64(n)
	}
	return voided, nil
}

// StrictCounter is where a strict series stands in a period.
type StrictCounter struct {
	counter.Series
	First     int64 // its first number
	Mark      int64 // the last that it gave; First-1 if none
	Suspended bool  // until an operator has said how it goes on in the present era
}

// StrictCounters lists the counters of strict series that were used, in the order
// of their key; an empty tenant or name selects all.
func (db *DB) StrictCounters(ctx context.Context, tenant, name string) ([]StrictCounter, error) {
	var rows []struct {
		strictCounter
		Suspended bool `db:"suspended"`
	}
	const query = `
		select tenant, series, period, first, mark, era, era <> (select current_era()) as suspended
		from strict_counters
		where ($1 = '' or tenant = $1) and ($2 = '' or series = $2) and mark >= first
		order by tenant, series, period`
	if err := db.audits.SelectContext(ctx, &rows, query, tenant, name); err != nil {
		return nil, wrap("list the counters of strict series", err)
	}
	all := make([]StrictCounter, len(rows))
	for i, r := range rows {
		all[i] = StrictCounter{Series: r.series(), First: r.First, Mark: r.Mark, Suspended: r.Suspended}
	}
	return all, nil
}

// CheckReplication refuses a server that acknowledges a commit before a
// synchronous standby has it.
func (db *DB) CheckReplication(ctx context.Context) error { return checkReplication(ctx, db.audits) }

func checkReplication(ctx context.Context, q sqlx.QueryerContext) error {
	var set struct {
		Standbys string `db:"standbys"`
		Commit   string `db:"commit"`
	}
	const query = `select current_setting('synchronous_standby_names') as standbys, current_setting('synchronous_commit') as commit`
	if err := sqlx.GetContext(ctx, q, &set, query); err != nil {
		return wrap("read the server's settings", err)
	}
	switch {
	case set.Standbys == "":
		return errors.New("check Postgres: synchronous_standby_names is empty, so a failover could lose acknowledged invoices; name the standbys, or serve without --require-sync-replication")
	case set.Commit == "off" || set.Commit == "local":
		return fmt.Errorf("check Postgres: synchronous_commit is %s, so a failover could lose acknowledged invoices; set it to on, or serve without --require-sync-replication", set.Commit)
	}
	return nil
}
