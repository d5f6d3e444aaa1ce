package invoices

import (
	"context"
	"fmt"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// deepScope selects rows of a table by $1 to $3.
const deepScope = ` where ($1 = '' or tenant = $1) and ($2 = '' or series = $2) and (cast($3 as text) is null or period = $3)`

func scopeOf(f counter.Selection) []any { return []any{f.Tenant, f.Name, f.Period} }

// forgetDeep lets the next run look at all that f selects anew.
func (db *DB) forgetDeep(ctx context.Context, f counter.Selection) error {
	return transact(ctx, db.settling, "forget what was checked", func(tx *sqlx.Tx) error {
		for _, table := range []string{"deep_open", "deep_audits"} {
			if _, err := tx.ExecContext(ctx, `delete from `+table+deepScope, scopeOf(f)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// openSpans returns what has to be looked at again.
func (db *DB) openSpans(ctx context.Context, f counter.Selection) (map[counter.Series][]counter.Range, error) {
	var rows []struct {
		Tenant string `db:"tenant"`
		Series string `db:"series"`
		Period string `db:"period"`
		First  int64  `db:"first"`
		Last   int64  `db:"last"`
	}
	const query = `
		select tenant, series, period, lower(r) as first, upper(r) - 1 as last
		from (select tenant, series, period, unnest(range_agg(int8range(first, last, '[]'))) as r
		      from deep_open` + deepScope + ` group by tenant, series, period) o
		order by 1, 2, 3, 4`
	if err := db.audits.SelectContext(ctx, &rows, query, scopeOf(f)...); err != nil {
		return nil, wrap("read what has to be checked again", err)
	}
	open := make(map[counter.Series][]counter.Range)
	for _, r := range rows {
		s := counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period}
		open[s] = append(open[s], counter.Range{First: r.First, Last: r.Last})
	}
	return open, nil
}

// noteDeep stores what was found of a page: what stood there of its numbers goes.
func (db *DB) noteDeep(ctx context.Context, p *deepPage) error {
	s := p.series
	return transact(ctx, db.settling, "note what was checked of "+s.String(), func(tx *sqlx.Tx) error {
		rest, err := takeOpen(ctx, tx, p)
		if err != nil {
			return err
		}
		if err := insertOpen(ctx, tx, append(rest, p.open...)); err != nil {
			return err
		}
		if !p.new {
			return nil
		}
		const raise = `
			insert into deep_audits (tenant, series, period, checked) values ($1, $2, $3, $4)
			on conflict (tenant, series, period) do update
			set checked = greatest(deep_audits.checked, excluded.checked), changed_at = clock_timestamp()`
		_, err = tx.ExecContext(ctx, raise, s.Tenant, s.Name, s.Period, p.to)
		return err
	})
}

// takeOpen removes what stands of the page's numbers, and of the accounts that were
// looked at with it, and returns what of it reaches beyond.
func takeOpen(ctx context.Context, tx *sqlx.Tx, p *deepPage) ([]deepOpen, error) {
	const others = `
		delete from deep_open o using ` + asked + `
		where o.tenant = q.tenant and o.series = q.series and o.period = q.period and o.kind = 'credits' and o.first = q.number`
	if len(p.accounts) > 0 {
		of := make([]key, len(p.accounts))
		for i := range p.accounts {
			of[i] = p.accounts[i].of
		}
		if _, err := tx.ExecContext(ctx, others, keyArrays(of)...); err != nil {
			return nil, err
		}
	}
	var rows []struct {
		Kind  string `db:"kind"`
		First int64  `db:"first"`
		Last  int64  `db:"last"`
		Fault string `db:"fault"`
	}
	const own = `
		delete from deep_open
		where tenant = $1 and series = $2 and period = $3 and first <= $5 and last >= $4
		returning kind, first, last, fault`
	if err := tx.SelectContext(ctx, &rows, own, p.series.Tenant, p.series.Name, p.series.Period, p.from, p.linkedTo); err != nil {
		return nil, err
	}
	var rest []deepOpen
	for _, r := range rows {
		for _, part := range accounts.Without([]counter.Range{{First: r.First, Last: r.Last}}, []counter.Range{{First: p.from, Last: p.linkedTo}}) {
			rest = append(rest, deepOpen{of: key{Series: p.series, Number: part.First}, last: part.Last, kind: r.Kind, fault: r.Fault})
		}
	}
	return rest, nil
}

func insertOpen(ctx context.Context, tx *sqlx.Tx, open []deepOpen) error {
	if len(open) == 0 {
		return nil
	}
	of, lasts, kinds, faults := make([]key, len(open)), make([]int64, len(open)), make([]string, len(open)), make([]string, len(open))
	for i, o := range open {
		of[i], lasts[i], kinds[i], faults[i] = o.of, o.last, o.kind, o.fault
	}
	const insert = `
		insert into deep_open (tenant, series, period, first, last, kind, fault)
		select * from unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]),
			cast($5 as bigint[]), cast($6 as text[]), cast($7 as text[]))
		on conflict (tenant, series, period, kind, first) do update set last = excluded.last, fault = excluded.fault`
	_, err := tx.ExecContext(ctx, insert, append(keyArrays(of), pq.Array(lasts), pq.Array(kinds), pq.Array(faults))...)
	return err
}

// deepFindings returns what is wrong with all that was looked at, by series and kind.
func (db *DB) deepFindings(ctx context.Context, f counter.Selection) ([]accounts.Finding, error) {
	var rows []struct {
		Tenant string        `db:"tenant"`
		Series string        `db:"series"`
		Period string        `db:"period"`
		Kind   string        `db:"kind"`
		Firsts pq.Int64Array `db:"firsts"`
		Lasts  pq.Int64Array `db:"lasts"`
		Fault  string        `db:"fault"`
	}
	const query = `
		select tenant, series, period, kind,
			array(select lower(r) from unnest(ranges) r order by 1) as firsts,
			array(select upper(r) - 1 from unnest(ranges) r order by 1) as lasts,
			(select o.fault from deep_open o
			 where o.tenant = g.tenant and o.series = g.series and o.period = g.period and o.kind = g.kind
			 order by o.first limit 1) as fault
		from (select tenant, series, period, kind, range_agg(int8range(first, last, '[]')) as ranges
		      from deep_open` + deepScope + ` and kind <> '' group by tenant, series, period, kind) g
		order by 1, 2, 3, 4`
	if err := db.audits.SelectContext(ctx, &rows, query, scopeOf(f)...); err != nil {
		return nil, wrap("read what is wrong with documents", err)
	}
	findings := make([]accounts.Finding, len(rows))
	for i, r := range rows {
		of := make([]counter.Range, len(r.Firsts))
		for j := range of {
			of[j] = counter.Range{First: r.Firsts[j], Last: r.Lasts[j]}
		}
		findings[i] = accounts.Finding{
			Kind: accounts.Kind(r.Kind), Series: counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period}, Ranges: of,
			Text: fmt.Sprintf("document %s: %s", accounts.Text(of), r.Fault),
		}
		if accounts.Total(of) > 1 {
			findings[i].Text = fmt.Sprintf("documents %s; the first: %s", accounts.Text(of), r.Fault)
		}
	}
	return findings, nil
}
