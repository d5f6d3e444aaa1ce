package invoices

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// APIKey is what is known of a key after it was shown.
type APIKey struct {
	ID        string     `json:"key_id" db:"key_id"`
	Tenant    string     `json:"tenant" db:"tenant"`
	CreatedAt time.Time  `json:"created_at" db:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty" db:"revoked_at"`
}

// Keys makes API keys and knows whom they speak for. DB is required.
type Keys struct {
	DB *DB

	known cache[[32]byte, *Identity] // nil: nobody
}

// Create makes a key of a tenant and returns its text, which is kept nowhere.
// ErrNotFound: there is no such tenant.
func (k *Keys) Create(ctx context.Context, tenant string) (APIKey, string, error) {
	if _, err := findTenant(ctx, k.DB.rest, tenant); err != nil {
		return APIKey{}, "", err
	}
	return insertKey(ctx, k.DB.rest, tenant)
}

// insertKey stores a new key. Executed twice it stores one.
func insertKey(ctx context.Context, q sqlx.ExecerContext, tenant string) (APIKey, string, error) {
	text := newKeyText()
	hash := keyHash(text)
	made := APIKey{ID: "key_" + randomText(16), Tenant: tenant, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	const insert = `
		insert into api_keys (key_id, tenant, hash, created_at) values ($1, $2, $3, $4)
		on conflict (key_id) do nothing`
	if _, err := q.ExecContext(ctx, insert, made.ID, tenant, hash[:], made.CreatedAt); err != nil {
		return APIKey{}, "", wrap("create an API key of "+tenant, err)
	}
	return made, text, nil
}

// List returns the keys of a tenant, revoked ones too, oldest first.
func (k *Keys) List(ctx context.Context, tenant string) ([]APIKey, error) {
	if _, err := findTenant(ctx, k.DB.rest, tenant); err != nil {
		return nil, err
	}
	keys := []APIKey{}
	const query = `
		select key_id, tenant, created_at, revoked_at from api_keys
		where tenant = $1 order by created_at, key_id`
	err := k.DB.rest.SelectContext(ctx, &keys, query, tenant)
	return keys, wrap("list the API keys of "+tenant, err)
}

// Revoke ends a key; every replica knows within a second. A key that was revoked
// before stays so. ErrNotFound: there is no such key.
func (k *Keys) Revoke(ctx context.Context, keyID string) (APIKey, error) {
	var revoked APIKey
	const update = `
		update api_keys set revoked_at = coalesce(revoked_at, clock_timestamp())
		where key_id = $1 returning key_id, tenant, created_at, revoked_at`
	err := k.DB.rest.GetContext(ctx, &revoked, update, keyID)
	return revoked, wrap("revoke the API key "+keyID, err)
}

// Authenticate returns whom a key speaks for. ErrUnauthorized: nobody; a
// mistyped key is told without asking Postgres. ErrUnavailable: Postgres cannot
// be asked now.
func (k *Keys) Authenticate(ctx context.Context, text string) (Identity, error) {
	if !wellFormedKey(text) {
		return Identity{}, ErrUnauthorized
	}
	hash := keyHash(text)
	who, err := k.known.get(ctx, hash, func(ctx context.Context) (*Identity, error) { return k.find(ctx, hash) })
	if err != nil {
		return Identity{}, err
	}
	if who == nil {
		return Identity{}, ErrUnauthorized
	}
	return *who, nil
}

// find asks Postgres by the hash, so the time it takes tells nothing of the
// text. nil: nobody.
func (k *Keys) find(ctx context.Context, hash [32]byte) (*Identity, error) {
	var row struct {
		KeyID    string `db:"key_id"`
		Tenant   string `db:"tenant"`
		Zone     string `db:"time_zone"`
		Name     string `db:"legal_name"`
		TaxID    string `db:"tax_id"`
		Address  string `db:"address"`
		Currency string `db:"default_currency"`
	}
	const query = `
		select k.key_id, k.tenant, t.time_zone, t.legal_name, t.tax_id,
		       coalesce(cast(t.address as text), 'null') as address, t.default_currency
		from api_keys k join tenants t on t.name = k.tenant
		where k.hash = $1 and k.revoked_at is null`
	err := k.DB.rest.GetContext(ctx, &row, query, hash[:])
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("look up an API key", err)
	}
	zone, err := time.LoadLocation(row.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone of tenant %s: %w", row.Tenant, err)
	}
	seller := document.Party{Name: row.Name, TaxID: row.TaxID}
	if err := json.Unmarshal([]byte(row.Address), &seller.Address); err != nil {
		return nil, fmt.Errorf("address of tenant %s: %w", row.Tenant, err)
	}
	return &Identity{Tenant: row.Tenant, Zone: zone, KeyID: row.KeyID, Seller: seller, Currency: row.Currency, Scopes: AllScopes()}, nil
}
