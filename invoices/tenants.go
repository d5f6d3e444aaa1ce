package invoices

import (
	"context"
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
// *document.InvalidError: the name or the zone is none.
func (db *DB) CreateTenant(ctx context.Context, name, zone string) (Tenant, APIKey, string, error) {
	if zone == "" {
		zone = "UTC"
	}
	if err := checkTenant(name, zone); err != nil {
		return Tenant{}, APIKey{}, "", err
	}
	t := Tenant{Name: name, TimeZone: zone, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	var made APIKey
	var text string
	err := db.inTx(ctx, "create tenant "+name, func(tx *sqlx.Tx) error {
		const insert = `insert into tenants (name, time_zone, created_at) values ($1, $2, $3)`
		if _, err := tx.ExecContext(ctx, insert, t.Name, t.TimeZone, t.CreatedAt); err != nil {
			return err
		}
		for _, s := range firstSeries(name) {
			if err := insertSeries(ctx, tx, s, t.CreatedAt); err != nil {
				return err
			}
		}
		var err error
		made, text, err = insertKey(ctx, tx, name)
		return err
	})
	if err != nil {
		return Tenant{}, APIKey{}, "", err
	}
	return t, made, text, nil
}

func checkTenant(name, zone string) error {
	var bad document.InvalidError
	if !validName(name) {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/name", Detail: fmt.Sprintf(
			"%q is no name for a tenant; use 1 to 63 lower-case letters, digits and inner hyphens", name)})
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/time_zone", Detail: fmt.Sprintf(
			"%q is no time zone; use an IANA name such as Europe/Vienna", zone)})
	}
	if len(bad.Fields) > 0 {
		return &bad
	}
	return nil
}

// ListTenants returns all tenants by name.
func (db *DB) ListTenants(ctx context.Context) ([]Tenant, error) {
	tenants := []Tenant{}
	err := db.rest.SelectContext(ctx, &tenants, `select name, time_zone, created_at from tenants order by name`)
	return tenants, wrap("list the tenants", err)
}

// findTenant gives ErrNotFound if there is none.
func findTenant(ctx context.Context, q sqlx.QueryerContext, name string) (Tenant, error) {
	var t Tenant
	err := sqlx.GetContext(ctx, q, &t, `select name, time_zone, created_at from tenants where name = $1`, name)
	return t, wrap("look up tenant "+name, err)
}

// inTx runs do in a transaction.
func (db *DB) inTx(ctx context.Context, doing string, do func(*sqlx.Tx) error) error {
	tx, err := db.rest.BeginTxx(ctx, nil)
	if err != nil {
		return wrap(doing, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // what went wrong is err
		return wrap(doing, err)
	}
	return wrap(doing, tx.Commit())
}
