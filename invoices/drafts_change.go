package invoices

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// ChangeDraft puts other content in the place of version's. Errors: ErrNotFound,
// ErrDraftChanged, ErrDraftIssued, *document.InvalidError.
func (is *Issuer) ChangeDraft(ctx context.Context, who Identity, id string, version int64, d document.Draft, content []byte) (SavedDraft, error) {
	at := is.now()
	if err := document.CheckPartial(d, at.In(who.zone())); err != nil {
		return SavedDraft{}, err
	}
	err := is.DB.changeDraft(ctx, draftChange{
		doing: "change draft " + id, tenant: who.Tenant, id: id, version: version,
		write: func(tx *sqlx.Tx) error {
			const update = `
				update drafts set content = cast($3 as json), version = version + 1, updated_at = $4
				where tenant = $1 and draft_id = $2`
			_, err := tx.ExecContext(ctx, update, who.Tenant, id, string(content), at)
			return err
		},
		isDone: func(now draftRow, err error) bool {
			return err == nil && now.Version == version+1 && now.UpdatedAt.Equal(at) && now.Content == string(content)
		},
	})
	if err != nil {
		return SavedDraft{}, err
	}
	return is.Draft(ctx, who.Tenant, id)
}

// DeleteDraft removes a draft; version is what it must be at, 0 for any. Errors:
// ErrNotFound, ErrDraftChanged, ErrDraftIssued.
func (is *Issuer) DeleteDraft(ctx context.Context, tenant, id string, version int64) error {
	return is.DB.changeDraft(ctx, draftChange{
		doing: "delete draft " + id, tenant: tenant, id: id, version: version,
		write: func(tx *sqlx.Tx) error {
			_, err := tx.ExecContext(ctx, `delete from drafts where tenant = $1 and draft_id = $2`, tenant, id)
			return err
		},
		isDone: func(_ draftRow, err error) bool { return errors.Is(err, ErrNotFound) },
	})
}

// freeze ends the changes of a draft that is at version.
func (db *DB) freeze(ctx context.Context, tenant, id string, version int64, at time.Time) error {
	return db.changeDraft(ctx, draftChange{
		doing: "freeze draft " + id, tenant: tenant, id: id, version: version,
		write: func(tx *sqlx.Tx) error {
			const update = `
				update drafts set frozen_at = $3, version = version + 1, updated_at = $3
				where tenant = $1 and draft_id = $2`
			_, err := tx.ExecContext(ctx, update, tenant, id, at)
			return err
		},
		isDone: func(now draftRow, err error) bool { return err == nil && now.Frozen },
	})
}

// draftChange is a write to a draft that is not frozen.
type draftChange struct {
	doing      string
	tenant, id string
	version    int64 // that the draft must be at; 0: any
	write      func(*sqlx.Tx) error
	isDone     func(now draftRow, err error) bool // tells by the draft, or the error of reading it, that it was written
}

// changeDraft does c in a transaction that holds the draft's row. If its fate is
// not told, the row tells: to read it FOR SHARE waits for what may still be under
// way, and nothing of it comes later.
func (db *DB) changeDraft(ctx context.Context, c draftChange) error {
	if !isDraftID(c.id) {
		return ErrNotFound
	}
	err := transact(ctx, db.lookUps, c.doing, func(tx *sqlx.Tx) error {
		var now struct {
			Version int64 `db:"version"`
			Frozen  bool  `db:"frozen"`
		}
		const query = `
			select version, frozen_at is not null as frozen from drafts
			where tenant = $1 and draft_id = $2 for update`
		err := tx.GetContext(ctx, &now, query, c.tenant, c.id)
		switch {
		case err != nil:
			return err
		case now.Frozen:
			return ErrDraftIssued
		case c.version != 0 && c.version != now.Version:
			return ErrDraftChanged
		}
		return c.write(tx)
	})
	if !errors.Is(err, ErrUnavailable) {
		return err
	}
	var now draftRow
	again := wrap(c.doing, db.lookUps.GetContext(ctx, &now,
		selectDraft+`where d.tenant = $1 and d.draft_id = $2 for share of d`, c.tenant, c.id))
	switch {
	case c.isDone(now, again):
		return nil
	case errors.Is(again, ErrUnavailable):
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, again)
	}
	return err
}

// IssueDraft issues a draft. Before that it is frozen: what is issued is what is
// read here, whoever asks again, and however often. What is refused for certain
// is refused before. After an unknown outcome the same call tells.
//
// Errors: those of Issue; ErrNotFound.
func (is *Issuer) IssueDraft(ctx context.Context, who Identity, id string) (Issued, error) {
	if !isDraftID(id) {
		return Issued{}, ErrNotFound
	}
	got, err := is.issueDraft(ctx, who, id)
	return got, is.ranges.note(err)
}

// issueDraft is IssueDraft of what may be a draft's id.
func (is *Issuer) issueDraft(ctx context.Context, who Identity, id string) (Issued, error) {
	request := fromDraft + id
	r := Request{Identity: who, Digest: sha256.Sum256([]byte(request))} // the same for all who ask
	before, err := is.before(ctx, r, request)
	if before != nil || err != nil {
		return issued(before, err)
	}
	for {
		p, err := is.freezeDraft(ctx, r, id)
		switch {
		case err == nil:
			p.RequestID = request
			return is.store(ctx, p)
		case !errors.Is(err, ErrDraftChanged) && !errors.Is(err, ErrDraftIssued):
			return Issued{}, err
		case ctx.Err() != nil:
			return Issued{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// freezeDraft prepares the draft as it is and sees to it that it stays so.
// ErrDraftChanged, ErrDraftIssued: it was changed or frozen meanwhile, to be read
// again.
func (is *Issuer) freezeDraft(ctx context.Context, r Request, id string) (*prepared, error) {
	d, err := is.DB.draft(ctx, r.Identity.Tenant, id)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(d.Content), &r.Draft); err != nil {
		return nil, fmt.Errorf("decode draft %s: %w", id, err)
	}
	p, err := is.prepare(ctx, r)
	if err != nil || d.Frozen {
		return p, err
	}
	return p, is.DB.freeze(ctx, r.Identity.Tenant, id, d.Version, p.CreatedAt)
}
