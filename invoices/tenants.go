package invoices

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// validName reports whether name can be that of a tenant or a series: 1 to 63
// lower-case letters, digits and inner hyphens. No such name can forge a path.
func validName(name string) bool {
	if len(name) == 0 || len(name) > 63 || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// CreateTenant makes a tenant with its first series and its first API key, whose
// text is kept nowhere. An empty zone means UTC. ErrExists: the name is taken.
// *document.InvalidError names each bad field.
func (db *DB) CreateTenant(ctx context.Context, t Tenant) (Tenant, APIKey, string, error) {
	if t.TimeZone == "" {
		t.TimeZone = "UTC"
	}
	if err := t.check(); err != nil {
		return Tenant{}, APIKey{}, "", err
	}
	t.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	var made APIKey
	var text string
	err := db.inTx(ctx, "create tenant "+t.Name, func(tx *sqlx.Tx) error {
		if err := insertTenant(ctx, tx, t); err != nil {
			return err
		}
		for _, s := range firstSeries(t.Name) {
			if err := insertSeries(ctx, tx, s, t.CreatedAt); err != nil {
				return err
			}
		}
		var err error
		made, text, err = insertKey(ctx, tx, t.Name, NewKey{})
		return err
	})
	if err != nil {
		return Tenant{}, APIKey{}, "", err
	}
	return t, made, text, nil
}

func insertTenant(ctx context.Context, q sqlx.ExecerContext, t Tenant) error {
	const insert = `
		insert into tenants (name, time_zone, legal_name, tax_id, address, default_currency, created_at)
		values ($1, $2, $3, $4, cast($5 as json), $6, $7)`
	_, err := q.ExecContext(ctx, insert, t.Name, t.TimeZone, t.LegalName, t.TaxID, t.addressText(), t.DefaultCurrency, t.CreatedAt)
	return err
}

// check refuses what cannot be stored or printed, and leaves out an address that
// says nothing.
func (t *Tenant) check() error {
	var bad document.InvalidError
	if !validName(t.Name) {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/name", Detail: fmt.Sprintf(
			"%q is no name for a tenant; use 1 to 63 lower-case letters, digits and inner hyphens", t.Name)})
	}
	if _, err := time.LoadLocation(t.TimeZone); err != nil || t.TimeZone == "Local" || t.TimeZone == "" {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/time_zone", Detail: fmt.Sprintf(
			"%q is no time zone; use an IANA name such as Europe/Vienna", t.TimeZone)})
	}
	if t.Address != nil && *t.Address == (document.Address{}) {
		t.Address = nil
	}
	seller := document.Party{Name: t.LegalName, TaxID: t.TaxID, Address: t.Address}
	bad.Fields = append(bad.Fields, document.CheckSeller(seller, t.DefaultCurrency)...)
	if len(bad.Fields) > 0 {
		return &bad
	}
	return nil
}

// ChangeTenant changes what a tenant says of itself; its name and its age stay.
// Every replica knows within a second; documents that were issued stay as they
// are. An error of change is returned as it is. ErrNotFound: there is no such
// tenant. *document.InvalidError names each bad field.
func (db *DB) ChangeTenant(ctx context.Context, name string, change func(*Tenant) error) (Tenant, error) {
	var t Tenant
	err := db.inTx(ctx, "change tenant "+name, func(tx *sqlx.Tx) error {
		before, err := readTenant(ctx, tx, name, ` for update`)
		if err != nil {
			return err
		}
		t = before
		if err := change(&t); err != nil {
			return err
		}
		t.Name, t.CreatedAt = before.Name, before.CreatedAt
		if err := t.check(); err != nil {
			return err
		}
		const update = `
			update tenants set time_zone = $2, legal_name = $3, tax_id = $4, address = cast($5 as json), default_currency = $6
			where name = $1`
		_, err = tx.ExecContext(ctx, update, t.Name, t.TimeZone, t.LegalName, t.TaxID, t.addressText(), t.DefaultCurrency)
		return err
	})
	if err != nil {
		return Tenant{}, err
	}
	return t, nil
}

// TenantBook is the tenants for who serves requests beside Keys: what it changes, its
// own Keys know at once. Both fields are required.
type TenantBook struct {
	*DB
	Keys *Keys
}

// ChangeTenant is DB.ChangeTenant, after which Keys asks anew.
func (b TenantBook) ChangeTenant(ctx context.Context, name string, change func(*Tenant) error) (Tenant, error) {
	defer b.Keys.DB.changes.note(subject{tenant: name})
	return b.DB.ChangeTenant(ctx, name, change)
}

// Tenant returns a tenant. ErrNotFound: there is none.
func (db *DB) Tenant(ctx context.Context, name string) (t Tenant, err error) {
	err = db.read(ctx, name, "look up tenant "+name, func(q sqlx.QueryerContext) error {
		t, err = readTenant(ctx, q, name, ``)
		return err
	})
	return t, err
}

// ListTenants returns all tenants by name.
func (db *DB) ListTenants(ctx context.Context) ([]Tenant, error) {
	var rows []tenantRow
	err := db.rest.SelectContext(ctx, &rows, `select `+tenantColumns+` from tenants order by name`)
	if err != nil {
		return nil, wrap("list the tenants", err)
	}
	tenants := make([]Tenant, len(rows))
	for i, row := range rows {
		if tenants[i], err = row.tenant(); err != nil {
			return nil, err
		}
	}
	return tenants, nil
}

// findTenant gives ErrNotFound if there is none.
func findTenant(ctx context.Context, q sqlx.QueryerContext, name string) (Tenant, error) {
	t, err := readTenant(ctx, q, name, ``)
	return t, wrap("look up tenant "+name, err)
}

// tenantRow is a tenant as its table has it.
type tenantRow struct {
	Name            string    `db:"name"`
	TimeZone        string    `db:"time_zone"`
	LegalName       string    `db:"legal_name"`
	TaxID           string    `db:"tax_id"`
	Address         string    `db:"address"`
	DefaultCurrency string    `db:"default_currency"`
	CreatedAt       time.Time `db:"created_at"`
}

// tenantColumns are the columns of tenantRow.
const tenantColumns = `name, time_zone, legal_name, tax_id, coalesce(cast(address as text), 'null') as address, default_currency, created_at`

func readTenant(ctx context.Context, q sqlx.QueryerContext, name, locked string) (Tenant, error) {
	var row tenantRow
	if err := sqlx.GetContext(ctx, q, &row, `select `+tenantColumns+` from tenants where name = $1`+locked, name); err != nil {
		return Tenant{}, err
	}
	return row.tenant()
}

func (r tenantRow) tenant() (Tenant, error) {
	address, err := decodeAddress(r.Name, r.Address)
	return Tenant{
		Name: r.Name, TimeZone: r.TimeZone, LegalName: r.LegalName, TaxID: r.TaxID, Address: address,
		DefaultCurrency: r.DefaultCurrency, CreatedAt: r.CreatedAt.UTC(),
	}, err
}

// addressText is the address as its column has it.
func (t Tenant) addressText() sql.NullString {
	if t.Address == nil {
		return sql.NullString{}
	}
	text, err := json.Marshal(t.Address)
	if err != nil {
		panic(err) // our own type encodes
	}
	return sql.NullString{String: string(text), Valid: true}
}

// decodeAddress reads the column; nil if it is null.
func decodeAddress(tenant, text string) (a *document.Address, err error) {
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("decode the address of tenant %s: %w", tenant, err)
	}
	return a, nil
}

// inTx runs do in a transaction of the owner.
func (db *DB) inTx(ctx context.Context, doing string, do func(*sqlx.Tx) error) error {
	return transact(ctx, db.rest, doing, do)
}

// transact runs do in a transaction on one of the connections.
func transact(ctx context.Context, connections *sqlx.DB, doing string, do func(*sqlx.Tx) error) error {
	tx, err := connections.BeginTxx(ctx, nil)
	if err != nil {
		return wrap(doing, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what went wrong is err
		return wrap(doing, err)
	}
	return wrap(doing, tx.Commit())
}
