package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// Series is a tenant's series and its rules.
type Series struct {
	Tenant string `json:"tenant" db:"tenant"`
	Name   string `json:"name" db:"name"`
	Format string `json:"format" db:"format"`   // of the printed number, see document.ParseFormat
	Period string `json:"period" db:"period"`   // when it restarts: "none", "year" or "month"
	OnLoss string `json:"on_loss" db:"on_loss"` // what a dead holder left: "reuse" or "void"
}

// firstSeries is the series that every tenant is made with.
func firstSeries(tenant string) Series {
	return Series{Tenant: tenant, Name: "invoice", Format: "INV-{yyyy}-{seq:6}", Period: string(document.PeriodYear), OnLoss: onLossReuse}
}

// rule is a series as issuing uses it.
type rule struct {
	format document.Format
	period document.PeriodRule
}

func (s Series) rule() (rule, error) {
	format, err := document.ParseFormat(s.Format)
	if err != nil {
		return rule{}, fmt.Errorf("series %s of %s: %w", s.Name, s.Tenant, err)
	}
	return rule{format: format, period: document.PeriodRule(s.Period)}, nil
}

// CreateSeries makes a series of an existing tenant. ErrExists: the name is
// taken. ErrNotFound: there is no such tenant. *document.InvalidError: a rule is
// none.
func (db *DB) CreateSeries(ctx context.Context, s Series) error {
	if err := s.check(); err != nil {
		return err
	}
	return db.inTx(ctx, "create series "+s.Name+" of "+s.Tenant, func(tx *sqlx.Tx) error {
		if _, err := findTenant(ctx, tx, s.Tenant); err != nil {
			return err
		}
		return insertSeries(ctx, tx, s, time.Now().UTC().Truncate(time.Microsecond))
	})
}

func (s Series) check() error {
	var bad document.InvalidError
	add := func(pointer, detail string) {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: pointer, Detail: detail})
	}
	if !validName(s.Name) {
		add("/name", "use 1 to 63 lower-case letters, digits and inner hyphens")
	}
	if _, err := document.ParseFormat(s.Format); err != nil {
		add("/format", err.Error())
	}
	switch document.PeriodRule(s.Period) {
	case document.PeriodNone, document.PeriodYear, document.PeriodMonth:
	default:
		add("/period", "use none, year or month")
	}
	if s.OnLoss != onLossReuse && s.OnLoss != onLossVoid {
		add("/on_loss", "use reuse or void")
	}
	if len(bad.Fields) > 0 {
		return &bad
	}
	return nil
}

func insertSeries(ctx context.Context, q sqlx.ExecerContext, s Series, at time.Time) error {
	const insert = `
		insert into series (tenant, name, format, period, on_loss, created_at)
		values ($1, $2, $3, $4, $5, $6)`
	_, err := q.ExecContext(ctx, insert, s.Tenant, s.Name, s.Format, s.Period, s.OnLoss, at)
	return err
}

// ListSeries returns the series of a tenant by name.
func (db *DB) ListSeries(ctx context.Context, tenant string) ([]Series, error) {
	series := []Series{}
	const query = `select tenant, name, format, period, on_loss from series where tenant = $1 order by name`
	err := db.rest.SelectContext(ctx, &series, query, tenant)
	return series, wrap("list the series of "+tenant, err)
}

// findRule reads the rule of a series; nil if there is no such series.
func (db *DB) findRule(ctx context.Context, tenant, name string) (*rule, error) {
	var s Series
	const query = `select tenant, name, format, period, on_loss from series where tenant = $1 and name = $2`
	err := db.rest.GetContext(ctx, &s, query, tenant, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read series "+name+" of "+tenant, err)
	}
	r, err := s.rule()
	if err != nil {
		return nil, err
	}
	return &r, nil
}
