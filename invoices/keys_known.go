package invoices

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"folio/invoices/document"

	"github.com/lib/pq"
)

// knownKey is a key that is not revoked, as it is remembered.
type knownKey struct {
	who  Identity
	used atomic.Int64 // the second of the last use that was noted
}

// about is what changes when a key does; whom no key speaks for nobody is told of.
func (k *knownKey) about() subject {
	if k == nil {
		return subject{}
	}
	return subject{tenant: k.who.Tenant}
}

// Authenticate returns whom a key speaks for. ErrUnauthorized: nobody; a
// mistyped key is told without asking Postgres. ErrUnavailable: Postgres cannot
// be asked now.
func (k *Keys) Authenticate(ctx context.Context, text string) (Identity, error) {
	if !wellFormedKey(text) {
		return Identity{}, ErrUnauthorized
	}
	hash := keyHash(text)
	known, err := k.known.get(ctx, hash, origin[*knownKey]{
		ask: func(ctx context.Context) (*knownKey, error) {
			found, err := k.lookUps.get(ctx, hash, k.find)
			if err != nil {
				return nil, err
			}
			return found.key, found.err
		},
		told: k.DB.changes, about: (*knownKey).about,
	})
	if err != nil {
		return Identity{}, err
	}
	if known == nil {
		return Identity{}, ErrUnauthorized
	}
	k.use(known)
	return known.who, nil
}

// whose is what Postgres says of a key; neither: nobody's.
type whose struct {
	key *knownKey
	err error // what is stored of this one cannot be read
}

type whoseRow struct {
	Index    int64  `db:"i"`
	KeyID    string `db:"key_id"`
	Tenant   string `db:"tenant"`
	Zone     string `db:"time_zone"`
	Name     string `db:"legal_name"`
	TaxID    string `db:"tax_id"`
	Address  string `db:"address"`
	Currency string `db:"default_currency"`
	Scopes   string `db:"scopes"`
}

// find asks Postgres by the hashes, so the time it takes tells nothing of the texts.
func (k *Keys) find(ctx context.Context, hashes [][32]byte) ([]whose, error) {
	sought := make([][]byte, len(hashes))
	for i := range hashes {
		sought[i] = hashes[i][:]
	}
	var rows []whoseRow
	const query = `
		select q.i, w.key_id, w.tenant, w.time_zone, w.legal_name, w.tax_id, w.address, w.default_currency, w.scopes
		from unnest(cast($1 as bytea[])) with ordinality as q (hash, i) cross join lateral whose_key(q.hash) w`
	if err := k.DB.reads.SelectContext(ctx, &rows, query, pq.Array(sought)); err != nil {
		return nil, wrap("look up API keys", err)
	}
	all := make([]whose, len(hashes))
	for _, row := range rows {
		key, err := k.read(row)
		all[row.Index-1] = whose{key, err}
	}
	return all, nil
}

func (k *Keys) read(row whoseRow) (*knownKey, error) {
	zone, err := k.zone(row.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone of tenant %s: %w", row.Tenant, err)
	}
	address, err := decodeAddress(row.Tenant, row.Address)
	if err != nil {
		return nil, err
	}
	return &knownKey{who: Identity{
		Tenant: row.Tenant, Zone: zone, KeyID: row.KeyID, Currency: row.Currency, Scopes: parseScopes(row.Scopes),
		Seller: document.Party{Name: row.Name, TaxID: row.TaxID, Address: address},
	}}, nil
}

// zone reads a time zone once: there are a few hundred.
func (k *Keys) zone(name string) (*time.Location, error) {
	if known, ok := k.zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		k.zones.Store(name, zone)
	}
	return zone, err
}
