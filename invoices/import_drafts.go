package invoices

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jmoiron/sqlx"
)

// draftLine is, in an export, a document that is still being written, or was.
type draftLine struct {
	Type      string          `json:"type"`
	ID        string          `json:"draft_id" db:"draft_id"`
	Version   int64           `json:"version" db:"version"`
	Content   json.RawMessage `json:"content" db:"content"`
	CreatedAt time.Time       `json:"created_at" db:"created_at"`
	UpdatedAt time.Time       `json:"updated_at" db:"updated_at"`
	FrozenAt  *time.Time      `json:"frozen_at,omitempty" db:"frozen_at"`
	RequestID *string         `json:"request_id,omitempty" db:"request_id"`
	Digest    []byte          `json:"digest,omitempty" db:"digest"` // in base64
}

func writeDrafts(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	const query = `
		select draft_id, version, content, created_at, updated_at, frozen_at, request_id, digest from drafts
		where tenant = $1 and draft_id > $2 order by draft_id limit $3`
	return writePages(ctx, tx, tenant, out, "list the drafts of "+tenant, query, func(r *draftLine) []any {
		r.Type, r.CreatedAt, r.UpdatedAt = "draft", r.CreatedAt.UTC(), r.UpdatedAt.UTC()
		if r.FrozenAt != nil {
			at := r.FrozenAt.UTC()
			r.FrozenAt = &at
		}
		return []any{r.ID}
	})
}

func checkDraftLine(_ *maker, it *fileLine) error {
	l, err := decodePart[draftLine](it)
	if err == nil && (!isDraftID(l.ID) || l.Version < 1 || (l.RequestID == nil) != (l.Digest == nil)) {
		err = &lineError{it.line, "", "is no draft"}
	}
	return err
}

func storeDrafts(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	const insert = `
		insert into drafts (tenant, draft_id, version, content, created_at, updated_at, frozen_at, request_id, digest)
		values ($1, $2, $3, cast($4 as json), $5, $6, $7, $8, $9)`
	return storeEach(ctx, tx, insert, bodies, func(l draftLine) []any {
		return []any{to.tenant, l.ID, l.Version, string(l.Content), l.CreatedAt, l.UpdatedAt, l.FrozenAt, l.RequestID, l.Digest}
	})
}
