package httpapi

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"folio/invoices"
	"folio/invoices/document"
)

// Drafts keeps documents that are not issued yet; see invoices.Issuer.
type Drafts interface {
	CreateDraft(ctx context.Context, r invoices.DraftRequest) (d invoices.SavedDraft, replayed bool, err error)
	Draft(ctx context.Context, tenant, id string) (invoices.SavedDraft, error)
	ListDrafts(ctx context.Context, tenant string, limit int, cursor string) (invoices.DraftPage, error)
	ChangeDraft(ctx context.Context, who invoices.Identity, id string, version int64, d document.Draft, content []byte) (invoices.SavedDraft, error)
	DeleteDraft(ctx context.Context, tenant, id string, version int64) error
	IssueDraft(ctx context.Context, who invoices.Identity, id string) (invoices.Issued, error)
}

func (a *api) routeDrafts(router *mux.Router) {
	a.route(router, "/v1/drafts", methods{
		http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.createDraft),
		http.MethodGet:  a.tenantOnly(invoices.InvoicesRead, a.listDrafts),
	})
	a.route(router, "/v1/drafts/{id}", methods{
		http.MethodGet:    a.tenantOnly(invoices.InvoicesRead, a.getDraft),
		http.MethodPatch:  a.tenantOnly(invoices.InvoicesWrite, a.changeDraft),
		http.MethodDelete: a.tenantOnly(invoices.InvoicesWrite, a.deleteDraft),
	})
	a.route(router, "/v1/drafts/{id}/issue", methods{http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.issueDraft)})
}

// createDraft is POST /v1/drafts.
func (a *api) createDraft(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	id, err := requestID(r)
	if err != nil {
		return err
	}
	wish := invoices.DraftRequest{Identity: who, ID: id}
	if wish.Content, err = readBody(w, r, maxBody); err != nil {
		return err
	}
	if wish.Draft, err = decodeDraft(wish.Content); err != nil {
		return err
	}
	if wish.Digest, err = digestOf(wish.Content); err != nil {
		return err
	}
	d, replayed, err := a.cfg.Drafts.CreateDraft(r.Context(), wish)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/drafts/"+d.ID)
	w.Header().Set("ETag", d.ETag())
	writeMade(w, replayed, d)
	return nil
}

func answerDraft(w http.ResponseWriter, d invoices.SavedDraft) {
	w.Header().Set("ETag", d.ETag())
	writeJSON(w, "application/json", http.StatusOK, d)
}

// draftList is the answer of GET /v1/drafts.
type draftList struct {
	Drafts     []invoices.SavedDraft `json:"drafts"`
	NextCursor *string               `json:"next_cursor"` // null on the last page
}

// listDrafts is GET /v1/drafts.
func (a *api) listDrafts(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	values, err := parameters(r, "limit", "cursor")
	if err != nil {
		return err
	}
	most, err := limit(values)
	if err != nil {
		return err
	}
	page, err := a.cfg.Drafts.ListDrafts(r.Context(), who.Tenant, most, values.Get("cursor"))
	if err != nil {
		return asMalformed(err)
	}
	answer := draftList{Drafts: page.Drafts, NextCursor: linkNext(w, "/v1/drafts", values, page.NextCursor)}
	if answer.Drafts == nil {
		answer.Drafts = []invoices.SavedDraft{}
	}
	writeJSON(w, "application/json", http.StatusOK, answer)
	return nil
}

// getDraft is GET /v1/drafts/{id}.
func (a *api) getDraft(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	d, err := a.cfg.Drafts.Draft(r.Context(), who.Tenant, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	answerDraft(w, d)
	return nil
}

// openDraft reads a draft that is to be changed, which must match m and not be
// issued.
func (a *api) openDraft(r *http.Request, who invoices.Identity, m match) (invoices.SavedDraft, error) {
	d, err := a.cfg.Drafts.Draft(r.Context(), who.Tenant, mux.Vars(r)["id"])
	switch {
	case err != nil:
		return d, err
	case d.Frozen():
		return d, invoices.ErrDraftIssued
	case !m.matches(d.ETag()):
		return d, invoices.ErrDraftChanged
	}
	return d, nil
}

// changeDraft is PATCH /v1/drafts/{id}.
func (a *api) changeDraft(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	m, err := ifMatch(r)
	if err != nil {
		return err
	}
	if !m.given {
		return errNoMatch
	}
	patch, err := readBodyOf(w, r, maxBody, "application/merge-patch+json", "application/json")
	if err != nil {
		return err
	}
	d, err := a.openDraft(r, who, m)
	if err != nil {
		return err
	}
	content, err := document.MergePatch(d.Content, patch)
	if err != nil {
		return readError(err)
	}
	if len(content) > maxBody {
		return errTooLarge
	}
	draft, err := decodeDraft(content)
	if err != nil {
		return err
	}
	if d, err = a.cfg.Drafts.ChangeDraft(r.Context(), who, d.ID, d.Version, draft, content); err != nil {
		return err
	}
	answerDraft(w, d)
	return nil
}

// deleteDraft is DELETE /v1/drafts/{id}.
func (a *api) deleteDraft(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	m, err := ifMatch(r)
	if err != nil {
		return err
	}
	d, err := a.openDraft(r, who, m)
	if err != nil {
		return err
	}
	version := d.Version
	if !m.given || m.any {
		version = 0
	}
	if err := a.cfg.Drafts.DeleteDraft(r.Context(), who.Tenant, d.ID, version); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// issueDraft is POST /v1/drafts/{id}/issue. What the document says, the draft
// says: a body that says more is refused.
func (a *api) issueDraft(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	body, err := readOptionalBody(w, r, maxBody)
	if err != nil {
		return err
	}
	if err := decode(body, &struct{}{}); err != nil {
		return err
	}
	got, err := a.cfg.Drafts.IssueDraft(r.Context(), who, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	answerIssued(w, got)
	return nil
}
