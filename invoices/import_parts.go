package invoices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// tenantPart is something that a tenant has besides its documents. An export writes it
// as lines whose type is its name; an import checks each line as it is read, and
// stores them in the transaction that stores the documents, before these or after
// them. store is given at most partsAtOnce lines at a time.
type tenantPart struct {
	name  string
	after bool // it leans on the documents
	write func(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error
	check func(m *maker, it *fileLine) error
	store func(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error
}

// partTarget is whom the parts of an export are stored for.
type partTarget struct {
	tenant string
	create bool // the tenant does not exist yet
}

// lineWriter writes one line of an export.
type lineWriter func(line any) error

// tenantParts are all parts there are, in the order in which they depend on each
// other.
func tenantParts() []tenantPart {
	return []tenantPart{
		{name: "tenant", write: writeTenant, check: checkTenantLine, store: storeTenant},
		{name: "series", write: writeSeries, check: checkSeriesLine, store: storeSeries},
		{name: "start", write: writeStarts, check: checkStartLine, store: storeStarts},
		{name: "draft", write: writeDrafts, check: checkDraftLine, store: storeDrafts},
		{name: "account", after: true, write: writeAccounts, check: checkAccountLine, store: storeAccounts},
		{name: "credited", after: true, write: writeCredited, check: checkCreditedLine, store: storeCredited},
		{name: "annulment", after: true, write: writeAnnulments, check: checkAnnulmentLine, store: storeAnnulments},
	}
}

// partsAtOnce is how many lines of a part are in memory at a time.
const partsAtOnce = 1000

// writePages writes the lines of one part, page by page through the key in whose
// order query lists them: $1 is the tenant, then come the key behind which the page
// begins, and how many lines it has. ready completes a line that was read and
// returns its key; that of a line that says nothing lies before all others.
func writePages[T any](ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter, doing, query string, ready func(*T) []any) error {
	var none T
	last := ready(&none)
	for {
		var rows []T
		if err := tx.SelectContext(ctx, &rows, query, slices.Concat([]any{tenant}, last, []any{partsAtOnce})...); err != nil {
			return wrap(doing, err)
		}
		for i := range rows {
			last = ready(&rows[i])
			if err := out(rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < partsAtOnce {
			return nil
		}
	}
}

// storeEach inserts a row for each line of a part, of the values that it has.
func storeEach[T any](ctx context.Context, tx *sqlx.Tx, insert string, bodies []json.RawMessage, values func(T) []any) error {
	for _, body := range bodies {
		l, err := decodePart[T](&fileLine{body: body})
		if err != nil {
			return err
		}
		if err := insertOne(ctx, tx, insert, values(l)...); err != nil {
			return err
		}
	}
	return nil
}

// insertOne inserts the row of one line, which finds what it leans on in the tables.
func insertOne(ctx context.Context, tx *sqlx.Tx, insert string, args ...any) error {
	done, err := tx.ExecContext(ctx, insert, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, &ImportError{Problems: []string{fmt.Sprintf("%v names a document that is not in the file", args[1:5])}})
	}
	return nil
}

// isAmount reports whether text is a number that a numeric column takes.
func isAmount(text string) bool {
	_, err := decimal.NewFromString(text)
	return err == nil && len(text) < 50
}

// decodePart reads a line of an export strictly.
func decodePart[T any](it *fileLine) (T, error) {
	var v T
	if err := strict.Unmarshal(it.body, &v, strict.RejectUnknownMembers(true)); err != nil {
		return v, unreadable(it.line, err)
	}
	return v, nil
}

// tenantLine is a tenant in an export.
type tenantLine struct {
	Type     string          `json:"type"`
	Name     string          `json:"name" db:"name"`
	TimeZone string          `json:"time_zone" db:"time_zone"`
	Legal    string          `json:"legal_name,omitempty" db:"legal_name"`
	TaxID    string          `json:"tax_id,omitempty" db:"tax_id"`
	Address  json.RawMessage `json:"address,omitempty" db:"-"`
	Currency string          `json:"default_currency,omitempty" db:"default_currency"`
	Created  time.Time       `json:"created_at" db:"created_at"`
}

func writeTenant(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	var row struct {
		tenantLine
		Address *string `db:"address"`
	}
	const query = `
		select name, time_zone, legal_name, tax_id, cast(address as text) as address, default_currency, created_at
		from tenants where name = $1`
	if err := tx.GetContext(ctx, &row, query, tenant); err != nil {
		return wrap("read tenant "+tenant, err)
	}
	line := row.tenantLine
	line.Type, line.Created = "tenant", line.Created.UTC()
	if row.Address != nil {
		line.Address = json.RawMessage(*row.Address)
	}
	return out(line)
}

func checkTenantLine(m *maker, it *fileLine) error {
	t, err := decodePart[tenantLine](it)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(t.TimeZone)
	if err != nil || t.TimeZone == "Local" {
		return &lineError{it.line, "/time_zone", fmt.Sprintf("%q is no time zone", t.TimeZone)}
	}
	m.zone = zone
	return nil
}

// storeTenant makes the tenant. One that exists keeps its own details.
func storeTenant(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	if !to.create {
		return nil
	}
	t, err := decodePart[tenantLine](&fileLine{body: bodies[0]})
	if err != nil {
		return err
	}
	const insert = `
		insert into tenants (name, time_zone, legal_name, tax_id, address, default_currency, created_at)
		values ($1, $2, $3, $4, cast(nullif($5, '') as json), $6, $7)`
	_, err = tx.ExecContext(ctx, insert, to.tenant, t.TimeZone, t.Legal, t.TaxID, string(t.Address), t.Currency, t.Created)
	return err
}

// rulesOf reads the rules of a tenant's series, by name.
func rulesOf(ctx context.Context, q sqlx.QueryerContext, tenant string) (map[string]*rule, error) {
	var rows []seriesRow
	const query = `select ` + seriesColumns + ` from series where tenant = $1 order by name for share`
	if err := sqlx.SelectContext(ctx, q, &rows, query, tenant); err != nil {
		return nil, err
	}
	rules := make(map[string]*rule, len(rows))
	for _, r := range rows {
		known, err := r.series().rule()
		if err != nil {
			return nil, err
		}
		rules[known.Name] = &known
	}
	return rules, nil
}

// rulesText says what of the rules the rows of an import depend on.
func rulesText(rules map[string]*rule) (string, error) {
	type used struct{ Numbering, Format, Period, Document string }
	all := make(map[string]used, len(rules))
	for name, r := range rules {
		all[name] = used{r.Numbering, r.Format, r.Period, r.Document}
	}
	text, err := json.Marshal(all) // in the order of the names
	if err != nil {
		return "", fmt.Errorf("encode the rules of the series: %w", err)
	}
	return string(text), nil
}
