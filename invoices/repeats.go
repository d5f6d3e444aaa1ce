package invoices

import (
	"bytes"
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// meets reports whether a repeat of p need not be looked for first: its row meets
// the one that is there, and its number is returned. In a busy series the next
// request takes that. In a quiet one it would be missed by who takes the next from
// another replica, and of a range it might be the last: others would be refused
// for good meanwhile. A strict series gives its number as the row is written. While
// nothing can be written a repeat is still answered.
func (is *Issuer) meets(p *prepared) bool {
	return is.Writer.flows() && (p.strict() || p.rule.Range == nil && is.Numbers.Busy(p.series))
}

// isRefusal reports whether err refuses a request that was taken for a new one, so that
// it is to be looked up whether it was answered before.
func isRefusal(err error) bool {
	return err != nil && !errors.Is(err, ErrRequestReused) && !errors.Is(err, ErrOutcomeUnknown)
}

// refusal is what to answer to a request that was refused with err, and of which the
// look-up found nothing, or failed with again: what is refused for good now may have
// been answered before.
func refusal(err, again error) error {
	if again != nil && !errors.Is(err, ErrUnavailable) {
		return again
	}
	return err
}

// Request ids of clients and our own stand apart, so that no client can send one
// of ours.
const (
	fromClient = "c:"
	fromServer = "s:"
	fromDraft  = "d:" // and the draft's id: a draft is issued once
	fromCancel = "x:" // and the invoice's id: its rest is credited once
)

func requestID(sent string) string {
	if sent != "" {
		return fromClient + sent
	}
	return fromServer + uuid.Must(uuid.NewV7()).String() // they ascend: the index grows at its end
}

// requestKey identifies a request for ever.
type requestKey struct{ tenant, id string }

// before looks for the invoice that the request made earlier; nil if none.
func (is *Issuer) before(ctx context.Context, r Request, id string) (*stored, error) {
	s, err := is.earlier.get(ctx, requestKey{r.Identity.Tenant, id}, is.DB.findRequests)
	if s == nil || err != nil {
		return nil, err
	}
	if !bytes.Equal(s.Digest, r.Digest[:]) {
		return nil, ErrRequestReused
	}
	return s, nil
}

// findRequests returns what is stored for each request, nil for none.
func (db *DB) findRequests(ctx context.Context, requests []requestKey) ([]*stored, error) {
	tenants, ids := make([]string, len(requests)), make([]string, len(requests))
	for i, r := range requests {
		tenants[i], ids[i] = r.tenant, r.id
	}
	var rows []struct {
		Index int64 `db:"i"`
		stored
	}
	const query = `select q.i, ` + storedColumns + `
		from unnest(cast($1 as text[]), cast($2 as text[])) with ordinality as q (tenant, request_id, i)
		join documents d on d.tenant = q.tenant and d.request_id = q.request_id and d.item = 0`
	if err := db.lookUps.SelectContext(ctx, &rows, query, pq.Array(tenants), pq.Array(ids)); err != nil {
		return nil, wrap("look up requests", err)
	}
	all := make([]*stored, len(requests))
	for i := range rows {
		all[rows[i].Index-1] = &rows[i].stored
	}
	return all, nil
}

// issued shows the invoice of an earlier request.
func issued(s *stored, err error) (Issued, error) {
	if err != nil {
		return Issued{}, err
	}
	inv, err := s.invoice()
	return Issued{Invoice: inv, Replayed: true}, err
}
