package invoices

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"folio/counter"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// lookUps are what many ask at once, of as many series, before each block: they are asked
// together. An answer is to a question that was sent after its asker had come.
type lookUps struct {
	rules  combiner[counter.Series, ruled]
	floors combiner[counter.Series, int64]
}

// ruled is what Postgres says of a series.
type ruled struct {
	rule   *rule // nil: there is no such series
	err    error // the rule that is stored of this one cannot be read
	begins beginning
}

// beginning is what the rows say of where a series begins in one period; 0 is that they
// say nothing.
type beginning struct {
	Imported int64 `db:"imported"` // the lowest number that was imported
	Lowest   int64 `db:"lowest"`   // the lowest number that has a row
}

// findRule reads the rule of a series; nil if there is no such series.
func (db *DB) findRule(ctx context.Context, tenant, name string) (*rule, error) {
	r, err := db.findRuled(ctx, counter.Series{Tenant: tenant, Name: name})
	return r.rule, err
}

// findRuled reads the rule of s and where it begins.
func (db *DB) findRuled(ctx context.Context, s counter.Series) (ruled, error) {
	r, err := together(ctx, &db.lookedUp.rules, s, db.findAllRuled)
	if err == nil {
		err = r.err
	}
	return r, err
}

// SeriesStart returns the number at which s begins because it was the lowest that
// was imported; 0 if none was, or there is no such series.
func (db *DB) SeriesStart(ctx context.Context, s counter.Series) (int64, error) {
	r, err := db.findRuled(ctx, s)
	return r.begins.Imported, err
}

func (db *DB) findAllRuled(ctx context.Context, series []counter.Series) ([]ruled, error) {
	var rows []struct {
		Index int64 `db:"i"`
		seriesRow
		beginning
	}
	const query = `
		select q.i, ` + seriesColumns + `,
			coalesce((select b.first from series_starts b where b.tenant = q.its_tenant and b.series = q.its_name and b.period = q.its_period), 0) as imported,
			coalesce((select min(d.number) from documents d where d.tenant = q.its_tenant and d.series = q.its_name and d.period = q.its_period), 0) as lowest
		from ` + soughtSeries + ` join series on tenant = q.its_tenant and name = q.its_name`
	if err := db.lookUps.SelectContext(ctx, &rows, query, sought(series)...); err != nil {
		return nil, wrap("read the rules of "+soughtText(series), err)
	}
	all := make([]ruled, len(series))
	for _, row := range rows {
		r, err := row.series().rule()
		if err != nil {
			all[row.Index-1] = ruled{err: err}
			continue
		}
		all[row.Index-1] = ruled{rule: &r, begins: row.beginning}
	}
	return all, nil
}

// Floor implements counter.Owner: the highest number of s that has a row.
func (o *Owner) Floor(ctx context.Context, s counter.Series) (int64, error) {
	return together(ctx, &o.DB.lookedUp.floors, s, func(ctx context.Context, all []counter.Series) ([]int64, error) {
		return readFloors(ctx, o.DB.settling, all)
	})
}

func readFloor(ctx context.Context, q sqlx.QueryerContext, s counter.Series) (int64, error) {
	floors, err := readFloors(ctx, q, []counter.Series{s})
	if err != nil {
		return 0, err
	}
	return floors[0], nil
}

// readFloors reads the highest number of each series that has a row; 0 if none has.
func readFloors(ctx context.Context, q sqlx.QueryerContext, series []counter.Series) ([]int64, error) {
	var floors []int64
	const query = `
		select coalesce((select max(d.number) from documents d where d.tenant = q.its_tenant and d.series = q.its_name and d.period = q.its_period), 0)
		from ` + soughtSeries + ` order by q.i`
	err := sqlx.SelectContext(ctx, q, &floors, query, sought(series)...)
	return floors, wrap("read the highest number of "+soughtText(series), err)
}

// soughtSeries are the series of sought, as rows.
const soughtSeries = `unnest(cast($1 as text[]), cast($2 as text[]), cast($3 as text[])) with ordinality as q (its_tenant, its_name, its_period, i)`

func sought(series []counter.Series) []any {
	tenants, names, periods := make([]string, len(series)), make([]string, len(series)), make([]string, len(series))
	for i, s := range series {
		tenants[i], names[i], periods[i] = s.Tenant, s.Name, s.Period
	}
	return []any{pq.Array(tenants), pq.Array(names), pq.Array(periods)}
}

// soughtText says in an error which series were asked for.
func soughtText(series []counter.Series) string {
	if len(series) == 1 {
		return series[0].String()
	}
	return fmt.Sprintf("%s and %d other series", series[0], len(series)-1)
}

// together asks for s with others who ask meanwhile. A name that is no text to Postgres
// is asked for alone: the others' question would be refused with it.
func together[A any](ctx context.Context, c *combiner[counter.Series, A], s counter.Series, ask asker[counter.Series, A]) (answer A, err error) {
	if text := s.String(); utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return c.get(ctx, s, ask)
	}
	answers, err := ask(ctx, []counter.Series{s})
	if err == nil {
		answer = answers[0]
	}
	return answer, err
}
