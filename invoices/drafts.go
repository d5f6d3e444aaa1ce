package invoices

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"folio/counter"
	"folio/invoices/document"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/jmoiron/sqlx"
)

// SavedDraft is a document that is not issued yet, as the API shows it, or was
// issued from here. It has no number.
type SavedDraft struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`            // "open", "issuing" from when it cannot be changed any more, "issued"
	Invoice   string         `json:"invoice,omitempty"` // the id of what it became
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
	Content   jsontext.Value `json:",embed"` // what it says so far: an object with the fields of document.Draft
	Version   int64          `json:"-"`      // grows with each change
}

// The states of a draft.
const (
	draftOpen    = "open"
	draftIssuing = "issuing"
	draftIssued  = "issued"
)

// ETag tells this state of the draft from all others (RFC 9110, section 8.8.3).
func (d SavedDraft) ETag() string {
	if d.Status == draftIssued {
		return fmt.Sprintf(`"%d-issued"`, d.Version)
	}
	return fmt.Sprintf(`"%d"`, d.Version)
}

// Frozen reports whether the draft is not changed any more.
func (d SavedDraft) Frozen() bool { return d.Status != draftOpen }

// DraftRequest is one wish for a draft.
type DraftRequest struct {
	Identity Identity
	ID       string         // the client's Idempotency-Key; "" if it sent none
	Digest   [32]byte       // SHA-256 of the body as canonical JSON
	Draft    document.Draft // what the content says
	Content  []byte         // the body
}

// DraftPage is a part of a list of drafts, in the order in which they were made.
type DraftPage struct {
	Drafts     []SavedDraft
	NextCursor string // "" on the last page
}

// An id of a draft is the time it was made at and something random (UUID version
// 7), written so that its text sorts like the time.
const draftPrefix = "dft_"

func draftText() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

func newDraftID() string {
	id := uuid.Must(uuid.NewV7()) // it fails if the system has no randomness
	return draftPrefix + draftText().EncodeToString(id[:])
}

func isDraftID(text string) bool {
	body, ok := strings.CutPrefix(text, draftPrefix)
	if !ok {
		return false
	}
	raw, err := draftText().DecodeString(body)
	return err == nil && len(raw) == len(uuid.UUID{}) && draftText().EncodeToString(raw) == body
}

// draftRow is a draft as the tables have it.
type draftRow struct {
	ID        string    `db:"draft_id"`
	Version   int64     `db:"version"`
	Content   string    `db:"content"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
	Frozen    bool      `db:"frozen"`
	Digest    []byte    `db:"digest"`

	Tenant string `db:"tenant"`
	Series string `db:"series"` // of the document that it became
	Period string `db:"period"`
	Number int64  `db:"number"` // 0: none
}

// selectDraft reads draftRow. The document is found by the request id that the
// draft was issued under.
const selectDraft = `
	select d.tenant, d.draft_id, d.version, cast(d.content as text) as content, d.created_at, d.updated_at,
		d.frozen_at is not null as frozen, d.digest,
		coalesce(i.series, '') as series, coalesce(i.period, '') as period, coalesce(i.number, 0) as number
	from drafts d left join documents i
		on i.tenant = d.tenant and i.request_id = '` + fromDraft + `' || d.draft_id and i.item = 0 `

const draftsAfter = `where d.tenant = $1 and d.draft_id > $2 order by d.draft_id limit $3`

func (r draftRow) saved() SavedDraft {
	d := SavedDraft{
		ID: r.ID, Status: draftOpen, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		Content: jsontext.Value(r.Content), Version: r.Version,
	}
	switch {
	case r.Number != 0:
		d.Status = draftIssued
		d.Invoice = key{Series: counter.Series{Tenant: r.Tenant, Name: r.Series, Period: r.Period}, Number: r.Number}.encode(idPrefix)
	case r.Frozen:
		d.Status = draftIssuing
	}
	return d
}

// Draft returns a draft of tenant. ErrNotFound: there is none, or it is another
// tenant's.
func (is *Issuer) Draft(ctx context.Context, tenant, id string) (SavedDraft, error) {
	r, err := is.DB.draft(ctx, tenant, id)
	if err != nil {
		return SavedDraft{}, err
	}
	return r.saved(), nil
}

func (db *DB) draft(ctx context.Context, tenant, id string) (draftRow, error) {
	var r draftRow
	if !isDraftID(id) {
		return r, ErrNotFound
	}
	err := db.read(ctx, tenant, "read draft "+id, func(q sqlx.QueryerContext) error {
		return sqlx.GetContext(ctx, q, &r, selectDraft+`where d.tenant = $1 and d.draft_id = $2`, tenant, id)
	})
	return r, err
}

// ListDrafts returns a page of a tenant's drafts, in the order in which they were
// made. *document.InvalidError names "limit" or "cursor".
func (is *Issuer) ListDrafts(ctx context.Context, tenant string, limit int, cursor string) (DraftPage, error) {
	if limit == 0 {
		limit = limitDefault
	}
	if err := checkLimit(limit); err != nil {
		return DraftPage{}, err
	}
	if cursor != "" && !isDraftID(cursor) {
		return DraftPage{}, badCursor()
	}
	var rows []draftRow
	err := is.DB.read(ctx, tenant, "list drafts", func(q sqlx.QueryerContext) error {
		return sqlx.SelectContext(ctx, q, &rows, selectDraft+draftsAfter, tenant, cursor, limit+1)
	})
	if err != nil {
		return DraftPage{}, err
	}
	p := DraftPage{Drafts: make([]SavedDraft, 0, len(rows))}
	if len(rows) > limit {
		rows = rows[:limit]
		p.NextCursor = rows[limit-1].ID
	}
	for _, r := range rows {
		p.Drafts = append(p.Drafts, r.saved())
	}
	return p, nil
}

// CreateDraft keeps a draft. With a request id it does so once: a repeat gets the
// draft as it is by now. Errors: *document.InvalidError, ErrRequestReused.
func (is *Issuer) CreateDraft(ctx context.Context, r DraftRequest) (made SavedDraft, replayed bool, err error) {
	tenant := r.Identity.Tenant
	if r.ID != "" {
		before, err := is.DB.draftOfRequest(ctx, tenant, r)
		if before != nil || err != nil {
			return before.orNone(), true, err
		}
	}
	at := is.now()
	if err := document.CheckPartial(r.Draft, at.In(r.Identity.zone())); err != nil {
		return SavedDraft{}, false, err
	}
	id := newDraftID()
	if err := is.DB.insertDraft(ctx, id, at, r); err != nil {
		return SavedDraft{}, false, err
	}
	if r.ID != "" { // another may have come first
		stored, err := is.DB.draftOfRequest(ctx, tenant, r)
		if stored != nil || err != nil {
			return stored.orNone(), stored.orNone().ID != id, err
		}
	}
	made, err = is.Draft(ctx, tenant, id)
	return made, false, err
}

// insertDraft stores a new draft. Executed twice it stores one; it stores none if
// the request has one.
func (db *DB) insertDraft(ctx context.Context, id string, at time.Time, r DraftRequest) error {
	const insert = `
		insert into drafts (tenant, draft_id, version, content, created_at, updated_at, request_id, digest)
		values ($1, $2, 1, cast($3 as json), $4, $4, nullif($5, ''), $6)
		on conflict do nothing`
	var digest any
	if r.ID != "" {
		digest = r.Digest[:]
	}
	_, err := db.lookUps.ExecContext(ctx, insert, r.Identity.Tenant, id, string(r.Content), at, r.ID, digest)
	return wrap("store draft "+id, err)
}

// draftOfRequest returns the draft that a request made earlier; nil if none.
func (db *DB) draftOfRequest(ctx context.Context, tenant string, r DraftRequest) (*SavedDraft, error) {
	var row draftRow
	err := wrap("look up the request of a draft",
		db.lookUps.GetContext(ctx, &row, selectDraft+`where d.tenant = $1 and d.request_id = $2`, tenant, r.ID))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !bytes.Equal(row.Digest, r.Digest[:]):
		return nil, ErrRequestReused
	}
	saved := row.saved()
	return &saved, nil
}

// orNone is *d, or nothing.
func (d *SavedDraft) orNone() SavedDraft {
	if d == nil {
		return SavedDraft{}
	}
	return *d
}
