package invoices

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// APIKey is what is known of a key after it was shown.
type APIKey struct {
	ID         string     `json:"key_id"`
	Tenant     string     `json:"tenant"`
	Mode       string     `json:"mode"` // "live" or "test": a mark for people
	Scopes     []Scope    `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"` // to about a minute
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// NewKey says what a key is to be; the zero NewKey is live and may do everything.
type NewKey struct {
	Test   bool    // marks the key for people; it does what a live one does
	Scopes []Scope // none: all
}

// Keys makes API keys and knows whom they speak for. DB is required. A tenant may
// have any number of keys, so that one can be replaced by the next while both
// work.
type Keys struct {
	DB        *DB
	UsesEvery time.Duration // how often Run stores when keys were used; 0: a minute
	Log       *slog.Logger  // of Run; nil: none

	known   cache[[32]byte, *knownKey] // nil: nobody
	lookUps combiner[[32]byte, whose]
	zones   sync.Map // of tenants, by name: reading one takes a file, and some KiB

	mu   sync.Mutex // guards uses; never held across I/O
	uses map[string]time.Time
}

// Create makes a key of a tenant and returns its text, which is kept nowhere.
// ErrNotFound: there is no such tenant. *document.InvalidError names /scopes.
func (k *Keys) Create(ctx context.Context, tenant string, n NewKey) (APIKey, string, error) {
	if err := n.check(); err != nil {
		return APIKey{}, "", err
	}
	if _, err := findTenant(ctx, k.DB.rest, tenant); err != nil {
		return APIKey{}, "", err
	}
	return insertKey(ctx, k.DB.rest, tenant, n)
}

func (n NewKey) check() error {
	for _, s := range n.Scopes {
		if !slices.Contains(AllScopes(), s) {
			return &document.InvalidError{Fields: []document.FieldError{{Pointer: "/scopes", Detail: fmt.Sprintf("%q is no scope; use %s", s, scopesText(AllScopes()))}}}
		}
	}
	return nil
}

// insertKey stores a new key. Executed twice it stores one.
func insertKey(ctx context.Context, q sqlx.ExecerContext, tenant string, n NewKey) (APIKey, string, error) {
	made := APIKey{ID: keyPrefix + randomText(16), Tenant: tenant, Mode: "live", Scopes: AllScopes(), CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	text := newKeyText(keyLive)
	if n.Test {
		made.Mode, text = "test", newKeyText(keyTest)
	}
	if len(n.Scopes) > 0 {
		made.Scopes = slices.DeleteFunc(AllScopes(), func(s Scope) bool { return !slices.Contains(n.Scopes, s) })
	}
	hash := keyHash(text)
	const insert = `
		insert into api_keys (key_id, tenant, hash, mode, scopes, created_at) values ($1, $2, $3, $4, cast($5 as text[]), $6)
		on conflict (key_id) do nothing`
	if _, err := q.ExecContext(ctx, insert, made.ID, tenant, hash[:], made.Mode, pq.Array(made.Scopes), made.CreatedAt); err != nil {
		return APIKey{}, "", wrap("create an API key of "+tenant, err)
	}
	return made, text, nil
}

// keyRow is a key as its table has it.
type keyRow struct {
	ID        string       `db:"key_id"`
	Tenant    string       `db:"tenant"`
	Mode      string       `db:"mode"`
	Scopes    string       `db:"scopes"`
	CreatedAt time.Time    `db:"created_at"`
	LastUsed  sql.NullTime `db:"last_used_at"`
	RevokedAt sql.NullTime `db:"revoked_at"`
}

// keyColumns are the columns of keyRow, of a table named k.
const keyColumns = `k.key_id, k.tenant, k.mode, array_to_string(k.scopes, ' ') as scopes, k.created_at, k.revoked_at,
	(select u.last_used_at from api_key_uses u where u.key_id = k.key_id) as last_used_at`

func (r keyRow) key() APIKey {
	return APIKey{
		ID: r.ID, Tenant: r.Tenant, Mode: r.Mode, Scopes: parseScopes(r.Scopes), CreatedAt: r.CreatedAt.UTC(),
		LastUsedAt: moment(r.LastUsed), RevokedAt: moment(r.RevokedAt),
	}
}

func moment(t sql.NullTime) *time.Time {
	if !t.Valid {
		return nil
	}
	utc := t.Time.UTC()
	return &utc
}

// List returns the keys of a tenant, revoked ones too, oldest first.
func (k *Keys) List(ctx context.Context, tenant string) ([]APIKey, error) {
	if _, err := findTenant(ctx, k.DB.rest, tenant); err != nil {
		return nil, err
	}
	var rows []keyRow
	const query = `select ` + keyColumns + ` from api_keys k where k.tenant = $1 order by k.created_at, k.key_id`
	if err := k.DB.rest.SelectContext(ctx, &rows, query, tenant); err != nil {
		return nil, wrap("list the API keys of "+tenant, err)
	}
	keys := make([]APIKey, len(rows))
	for i, row := range rows {
		keys[i] = row.key()
	}
	return keys, nil
}

// Revoke ends a key; every replica knows within a second. A key that was revoked
// before stays so. ErrNotFound: there is no such key.
func (k *Keys) Revoke(ctx context.Context, keyID string) (APIKey, error) {
	var row keyRow
	const update = `
		update api_keys k set revoked_at = coalesce(k.revoked_at, clock_timestamp())
		where k.key_id = $1 returning ` + keyColumns
	if err := k.DB.rest.GetContext(ctx, &row, update, keyID); err != nil {
		return APIKey{}, wrap("revoke the API key "+keyID, err)
	}
	return row.key(), nil
}

// scopesText writes scopes with spaces between them, as RFC 6749 does.
func scopesText(scopes []Scope) string {
	var words []string
	for _, s := range scopes {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

func parseScopes(text string) []Scope {
	var scopes []Scope
	for _, word := range strings.Fields(text) {
		scopes = append(scopes, Scope(word))
	}
	return scopes
}
