package invoices

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// Series is a tenant's series and its rules.
type Series struct {
	Tenant        string       `json:"-"`
	Name          string       `json:"name"`
	Numbering     string       `json:"numbering"`                // "block" or "strict"
	Format        string       `json:"format"`                   // of the printed number, see document.ParseFormat
	Period        string       `json:"period"`                   // when it restarts: "none", "year" or "month"
	Start         int64        `json:"start"`                    // the first number of each period
	OnLoss        string       `json:"on_loss"`                  // what a dead holder left: "reuse" or "void"
	ReuseWithin   Span         `json:"reuse_within"`             // freed numbers older than this become void; whole seconds
	Range         *NumberRange `json:"range,omitempty"`          // what an authority has granted; nil: no bounds
	Document      string       `json:"document"`                 // what it numbers: "invoice" or "credit_note"
	ClosedThrough string       `json:"closed_through,omitempty"` // YYYY-MM-DD: no issue date on or before it; "": none
}

// NumberRange is a range of numbers that an authority has granted.
type NumberRange struct {
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	ExpiresOn string `json:"expires_on,omitempty"` // YYYY-MM-DD: no document from that day on; "": never
	WarnLeft  int64  `json:"warn_left,omitempty"`  // warn when so many are left; 0: never
}

// What a series may say.
const (
	numberingBlock  = "block"
	numberingStrict = "strict"

	reuseWithinDefault = Span(24 * time.Hour)
)

// seriesDefaults is a series that says nothing but its name.
func seriesDefaults(tenant, name string) Series {
	return Series{
		Tenant: tenant, Name: name, Numbering: numberingBlock, Period: string(document.PeriodNone), Start: 1,
		OnLoss: onLossReuse, ReuseWithin: reuseWithinDefault, Document: kindInvoice,
	}
}

// firstSeries are the series that every tenant is made with.
func firstSeries(tenant string) []Series {
	invoice, credit := seriesDefaults(tenant, document.DefaultSeries), seriesDefaults(tenant, "credit-note")
	invoice.Format, credit.Format = "INV-{yyyy}-{seq:6}", "CN-{yyyy}-{seq:6}"
	invoice.Period, credit.Period = string(document.PeriodYear), string(document.PeriodYear)
	credit.Document = kindCreditNote
	return []Series{invoice, credit}
}

// NewSeries returns a series as it is before anything is said of it: one of those
// that every tenant is made with as it was made, any other with the defaults. Its
// format is empty: that follows from its period, see PutSeries.
func NewSeries(tenant, name string) Series {
	for _, s := range firstSeries(tenant) {
		if s.Name == name {
			s.Format = ""
			return s
		}
	}
	return seriesDefaults(tenant, name)
}

// defaultFormat is that of a series which names none.
func defaultFormat(tenant, name, period string) string {
	for _, s := range firstSeries(tenant) {
		if s.Name == name && s.Period == period {
			return s.Format
		}
	}
	switch document.PeriodRule(period) {
	case document.PeriodYear:
		return "{series}-{yyyy}-{seq:6}"
	case document.PeriodMonth:
		return "{series}-{yyyy}-{mm}-{seq:6}"
	}
	return "{series}-{seq:6}"
}

// rule is a series as issuing uses it.
type rule struct {
	Series
	format document.Format
	period document.PeriodRule
	kind   string
}

func (s Series) rule() (rule, error) {
	format, err := document.ParseFormat(s.Format)
	if err != nil {
		return rule{}, fmt.Errorf("series %s of %s: %w", s.Name, s.Tenant, err)
	}
	return rule{Series: s, format: format, period: document.PeriodRule(s.Period), kind: s.Document}, nil
}

// seriesRow is a series as its table has it.
type seriesRow struct {
	Tenant        string         `db:"tenant"`
	Name          string         `db:"name"`
	Numbering     string         `db:"numbering"`
	Format        string         `db:"format"`
	Period        string         `db:"period"`
	Start         int64          `db:"start"`
	OnLoss        string         `db:"on_loss"`
	ReuseWithin   int64          `db:"reuse_within"`
	RangeFirst    sql.NullInt64  `db:"range_first"`
	RangeLast     sql.NullInt64  `db:"range_last"`
	ExpiresOn     sql.NullString `db:"expires_on"`
	WarnLeft      int64          `db:"warn_left"`
	Document      string         `db:"document"`
	ClosedThrough sql.NullString `db:"closed_through"`
}

// seriesColumns are the columns of seriesRow.
const seriesColumns = `tenant, name, numbering, format, period, start, on_loss, reuse_within,
	range_first, range_last, cast(expires_on as text) as expires_on, warn_left, document, cast(closed_through as text) as closed_through`

func (r seriesRow) series() Series {
	s := Series{
		Tenant: r.Tenant, Name: r.Name, Numbering: r.Numbering, Format: r.Format, Period: r.Period, Start: r.Start,
		OnLoss: r.OnLoss, ReuseWithin: Span(r.ReuseWithin) * Span(time.Second), Document: r.Document,
		ClosedThrough: r.ClosedThrough.String,
	}
	if r.RangeFirst.Valid {
		s.Range = &NumberRange{First: r.RangeFirst.Int64, Last: r.RangeLast.Int64, ExpiresOn: r.ExpiresOn.String, WarnLeft: r.WarnLeft}
	}
	return s
}

// values are the columns of s, in the order of insertSeries.
func (s Series) values() []any {
	var first, last sql.NullInt64
	var expires sql.NullString
	var warn int64
	if r := s.Range; r != nil {
		first, last = sql.NullInt64{Int64: r.First, Valid: true}, sql.NullInt64{Int64: r.Last, Valid: true}
		expires, warn = sql.NullString{String: r.ExpiresOn, Valid: r.ExpiresOn != ""}, r.WarnLeft
	}
	closed := sql.NullString{String: s.ClosedThrough, Valid: s.ClosedThrough != ""}
	return []any{s.Tenant, s.Name, s.Numbering, s.Format, s.Period, s.Start, s.OnLoss, s.ReuseWithin.seconds(),
		first, last, expires, warn, s.Document, closed}
}

func insertSeries(ctx context.Context, q sqlx.ExecerContext, s Series, at time.Time) error {
	const insert = `
		insert into series (tenant, name, numbering, format, period, start, on_loss, reuse_within,
			range_first, range_last, expires_on, warn_left, document, closed_through, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, cast($11 as date), $12, $13, cast($14 as date), $15)`
	_, err := q.ExecContext(ctx, insert, append(s.values(), at)...)
	return err
}

// ListSeries returns the series of a tenant by name.
func (db *DB) ListSeries(ctx context.Context, tenant string) ([]Series, error) {
	var all []Series
	err := db.read(ctx, tenant, "list the series of "+tenant, func(q sqlx.QueryerContext) (err error) {
		all, err = listSeries(ctx, q, tenant)
		return err
	})
	return all, err
}

func listSeries(ctx context.Context, q sqlx.QueryerContext, tenant string) ([]Series, error) {
	var rows []seriesRow
	const query = `select ` + seriesColumns + ` from series where tenant = $1 order by name`
	if err := sqlx.SelectContext(ctx, q, &rows, query, tenant); err != nil {
		return nil, wrap("list the series of "+tenant, err)
	}
	series := make([]Series, len(rows))
	for i, r := range rows {
		series[i] = r.series()
	}
	return series, nil
}

// findSeries reads a series. ErrNotFound: there is none.
func findSeries(ctx context.Context, q sqlx.QueryerContext, tenant, name string) (Series, error) {
	var row seriesRow
	const query = `select ` + seriesColumns + ` from series where tenant = $1 and name = $2`
	if err := sqlx.GetContext(ctx, q, &row, query, tenant, name); err != nil {
		return Series{}, wrap("read series "+name+" of "+tenant, err)
	}
	return row.series(), nil
}
