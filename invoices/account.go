package invoices

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
)

// AccountOf accounts for every number of s, with exact ranges. The ledger is read
// first: a number leaves the ledger only when its row is there, so what moves in
// between is never called missing. What is read of Postgres is one snapshot, and what
// the audit has found whole is not read again, but for its voids. It sees the rows of
// the tenant of s alone. A series that was never used has an empty account.
func AccountOf(ctx context.Context, db *DB, ledgers Ledgers, s counter.Series) (accounts.Account, error) {
	loaded, revision, err := loadOne(ctx, ledgers, s)
	if err != nil {
		return accounts.Account{}, err
	}
	all := []*tally{{series: s, ledger: loaded, revision: revision}}
	err = db.readSnapshot(ctx, s.Tenant, "account for "+s.String(), func(q sqlx.QueryerContext) error {
		if err := lookAt(ctx, q, all); err != nil {
			return err
		}
		if err := cover(ctx, q, all, false, func(int64) {}); err != nil {
			return err
		}
		all[0].voids, err = readVoids(ctx, q, s, all[0].accounted())
		return err
	})
	if err != nil {
		return accounts.Account{}, err
	}
	if err := lookAgain(ctx, db, ledgers, all); err != nil {
		return accounts.Account{}, err
	}
	return all[0].account(), nil
}

// account is the account of a tally, and what else is wrong.
func (t *tally) account() accounts.Account {
	a := accounts.Of(t.books())
	if t.found.RangeLast.Valid {
		a.Range = counter.Range{First: t.found.RangeFirst.Int64, Last: t.found.RangeLast.Int64}
	}
	if t.strict() && (t.ledger.Version != "" || t.ledger.Err != nil) {
		a.Add(accounts.Finding{Kind: accounts.StrictLedger, Text: "there is a ledger in etcd, although the series is strict: its numbers come from Postgres alone"})
	}
	if len(t.gone) > 0 {
		a.Add(accounts.Finding{Kind: accounts.RowGone, Ranges: t.gone, Text: fmt.Sprintf(
			"had a row when they were audited, up to %d, and have none now: %s", t.found.Peak.Int64, accounts.Text(t.gone))})
	}
	return a
}

// lookAgain reads the ledgers of series with rows above the mark once more. Had those
// numbers been reserved after the ledger was read, they are not of this account; nor are
// those of an import that is about to move the counter past them.
func lookAgain(ctx context.Context, db *DB, ledgers Ledgers, all []*tally) error {
	above := slices.DeleteFunc(slices.Clone(all), func(t *tally) bool {
		return t.strict() || t.ledger.Err != nil || t.found.Highest.Int64 <= t.ledger.Ledger.Mark
	})
	above, err := stillAbove(ctx, ledgers, above)
	if err != nil || len(above) == 0 {
		return err
	}
	moving, err := db.movingIn(ctx, above)
	if err != nil || len(moving) == 0 {
		return err
	}
	// An import that has ended meanwhile has moved the counter.
	if above, err = stillAbove(ctx, ledgers, above); err != nil {
		return err
	}
	for _, t := range above {
		known := append([]counter.Range{{First: 0, Last: t.ledger.Ledger.Mark}}, moving[t.series]...)
		if len(accounts.Without(t.covered, accounts.Merged(known))) == 0 {
			t.leaveAbove()
		}
	}
	return nil
}

// stillAbove returns those of all whose rows lie above the mark of their ledger now. Of
// the others what was reserved since is left out.
func stillAbove(ctx context.Context, ledgers Ledgers, all []*tally) (above []*tally, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	series := make([]counter.Series, len(all))
	for i, t := range all {
		series[i] = t.series
	}
	later, err := loadLedgers(ctx, ledgers, series)
	if err != nil {
		return nil, err
	}
	for i, t := range all {
		if later[i].Ledger.Mark >= t.found.Highest.Int64 {
			t.leaveAbove()
		} else {
			above = append(above, t)
		}
	}
	return above, nil
}

// leaveAbove leaves rows above the mark out of the account.
func (t *tally) leaveAbove() {
	t.covered = accounts.Within(counter.Range{First: 1, Last: t.ledger.Ledger.Mark}, t.covered)
}

// movingIn returns what imports have stored that run just now and have not moved the
// counter past it yet: whoever runs one holds its lock, see importing.lock. Of one that
// was killed its rows are above the mark until it is run again.
func (db *DB) movingIn(ctx context.Context, all []*tally) (map[counter.Series][]counter.Range, error) {
	const query = `
		select i.tenant, s.series, s.period, s.first, s.last
		from imports i join import_series s using (import)
		where i.state = 'stored' and (i.tenant, s.series, s.period) in (
			select * from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[])))
		and hashtextextended('folio import ' || i.import, 0) in (
			select cast(l.classid as bigint) << 32 | cast(l.objid as bigint) from pg_locks l
			where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
				and l.database = (select oid from pg_database where datname = current_database()))`
	series := make([]counter.Series, len(all))
	for i, t := range all {
		series[i] = t.series
	}
	tenants, names, periods := seriesArrays(series)
	var rows []struct {
		pathRow
		rangeRow
	}
	if err := db.audits.SelectContext(ctx, &rows, query, tenants, names, periods); err != nil {
		return nil, wrap("look for imports of "+namesOf(all), err)
	}
	found := make(map[counter.Series][]counter.Range)
	for _, r := range rows {
		found[r.of()] = append(found[r.of()], counter.Range{First: r.First, Last: r.Last})
	}
	return found, nil
}

// selectVoidReasons reads voids as ranges, by their reason, which fill an index of
// their own: the lowest of them, as many as $6. What was annulled is void as well.
const selectVoidReasons = `
	select reason, min(number) as first, max(number) as last
	from (select number, reason, number - row_number() over (partition by reason order by number) as island
	      from (select d.number, d.reason from documents d
	            where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number between $4 and $5 and d.status = 'void'
	            order by d.number limit $6) v) d
	group by reason, island`

const selectAnnulled = `
	select reason, min(number) as first, max(number) as last
	from (select number, reason, number - row_number() over (partition by reason order by number) as island
	      from (select a.number, a.reason from annulments a
	            where a.tenant = $1 and a.series = $2 and a.period = $3 and a.number between $4 and $5
	            order by a.number limit $6) v) d
	group by reason, island`

// readVoids reads the voids of s within r, by reason.
func readVoids(ctx context.Context, q sqlx.QueryerContext, s counter.Series, r counter.Range) ([]accounts.Reason, error) {
	found := make(map[string][]counter.Range)
	for _, statement := range []string{selectVoidReasons, selectAnnulled} {
		for next := r; next.Len() > 0; {
			var rows []struct {
				Reason string `db:"reason"`
				rangeRow
			}
			if err := sqlx.SelectContext(ctx, q, &rows, statement, s.Tenant, s.Name, s.Period, next.First, next.Last, rowsOfOne); err != nil {
				return nil, wrap("read the voids of "+s.String(), err)
			}
			if len(rows) == 0 {
				break
			}
			for _, row := range rows {
				found[row.Reason] = append(found[row.Reason], counter.Range{First: row.First, Last: row.Last})
				next.First = max(next.First, row.Last+1)
			}
		}
	}
	voids := []accounts.Reason{}
	for reason, ranges := range found {
		voids = append(voids, accounts.Reason{Reason: reason, Numbers: accounts.Numbers{Ranges: accounts.Merged(ranges)}})
	}
	return voids, nil
}

// inSnapshot runs do in a transaction of the auditor whose statements all see the same.
func (db *DB) inSnapshot(ctx context.Context, doing string, do func(*sqlx.Tx) error) error {
	tx, err := db.audits.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return wrap(doing, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return wrap(doing, do(tx))
}
