package invoices

import (
	"context"
	"encoding/json"
	"time"

	"folio/counter"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// seriesLine is a series in an export, with the formats that it had before.
type seriesLine struct {
	Type string `json:"type"`
	Series
	Formerly []string `json:"formerly,omitempty"`
}

func writeSeries(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	all, err := listSeries(ctx, tx, tenant)
	if err != nil {
		return err
	}
	for _, s := range all {
		l := seriesLine{Type: "series", Series: s}
		const query = `select format from series_formats where tenant = $1 and name = $2 order by format`
		if err := tx.SelectContext(ctx, &l.Formerly, query, tenant, s.Name); err != nil {
			return wrap("list the formats of series "+s.Name, err)
		}
		if err := out(l); err != nil {
			return err
		}
	}
	return nil
}

func checkSeriesLine(m *maker, it *fileLine) error {
	l, err := decodePart[seriesLine](it)
	if err != nil {
		return err
	}
	l.Tenant = m.tenant
	if err := l.Series.check(); err != nil {
		return &lineError{it.line, "", err.Error()}
	}
	known, err := l.Series.rule()
	if err != nil {
		return &lineError{it.line, "/format", err.Error()}
	}
	for _, format := range l.Formerly {
		if _, err := document.ParseFormat(format); err != nil {
			return &lineError{it.line, "/formerly", err.Error()}
		}
	}
	m.rules[l.Name] = &known
	return nil
}

// storeSeries makes the series, or gives those of an empty tenant the rules of the
// export.
func storeSeries(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	for _, body := range bodies {
		l, err := decodePart[seriesLine](&fileLine{body: body})
		if err != nil {
			return err
		}
		l.Tenant = to.tenant
		for _, table := range []string{"series_formats", "series"} {
			if _, err := tx.ExecContext(ctx, `delete from `+table+` where tenant = $1 and name = $2`, l.Tenant, l.Name); err != nil {
				return err
			}
		}
		if err := insertSeries(ctx, tx, l.Series, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
			return err
		}
		for _, format := range l.Formerly {
			const insert = `insert into series_formats (tenant, name, format) values ($1, $2, $3)`
			if _, err := tx.ExecContext(ctx, insert, l.Tenant, l.Name, format); err != nil {
				return err
			}
		}
	}
	return nil
}

// startLine is where a series begins in one period, in an export.
type startLine struct {
	Type   string `json:"type"`
	Series string `json:"series" db:"series"`
	Period string `json:"period" db:"period"`
	First  int64  `json:"first" db:"first"`
}

func writeStarts(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	var rows []startLine
	const query = `select series, period, first from series_starts where tenant = $1 order by series, period`
	if err := tx.SelectContext(ctx, &rows, query, tenant); err != nil {
		return wrap("list where the series of "+tenant+" begin", err)
	}
	for _, r := range rows {
		r.Type = "start"
		if err := out(r); err != nil {
			return err
		}
	}
	return nil
}

func checkStartLine(m *maker, it *fileLine) error {
	l, err := decodePart[startLine](it)
	if err != nil {
		return err
	}
	known := m.rules[l.Series]
	if known == nil || !known.period.Fits(l.Period) || l.First < 1 || l.First > counter.MaxNumber {
		return &lineError{it.line, "", "names no series above it, no period of it, or no number"}
	}
	return nil
}

func storeStarts(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	for _, body := range bodies {
		l, err := decodePart[startLine](&fileLine{body: body})
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertStart, to.tenant, l.Series, l.Period, l.First); err != nil {
			return err
		}
	}
	return nil
}

const insertStart = `
	insert into series_starts (tenant, series, period, first) values ($1, $2, $3, $4)
	on conflict (tenant, series, period) do update set first = least(series_starts.first, excluded.first)`
