package httpapi

import (
	"context"
	"fmt"
	"slices"
	"time"

	"folio/invoices"
	"folio/invoices/document"
)

// draftKept is a draft in the stub, of the tenant acme.
type draftKept struct {
	invoices.SavedDraft
	draft   document.Draft
	request invoices.DraftRequest
}

var stubNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (s *stub) CreateDraft(_ context.Context, r invoices.DraftRequest) (invoices.SavedDraft, bool, error) {
	if err := document.CheckPartial(r.Draft, stubNow); err != nil {
		return invoices.SavedDraft{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.drafts {
		if r.ID != "" && k.request.ID == r.ID {
			if k.request.Digest != r.Digest {
				return invoices.SavedDraft{}, false, invoices.ErrRequestReused
			}
			return k.SavedDraft, true, nil
		}
	}
	d := invoices.SavedDraft{
		ID: fmt.Sprintf("dft_%026d", len(s.drafts)), Status: "open", CreatedAt: stubNow, UpdatedAt: stubNow, Content: r.Content, Version: 1,
	}
	s.drafts = append(s.drafts, draftKept{SavedDraft: d, draft: r.Draft, request: r})
	return d, false, nil
}

// kept finds a draft; s.mu is held.
func (s *stub) kept(tenant, id string) (*draftKept, error) {
	i := slices.IndexFunc(s.drafts, func(k draftKept) bool { return k.ID == id })
	if tenant != "acme" || i < 0 {
		return nil, invoices.ErrNotFound
	}
	return &s.drafts[i], nil
}

func (s *stub) Draft(_ context.Context, tenant, id string) (invoices.SavedDraft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.kept(tenant, id)
	if err != nil {
		return invoices.SavedDraft{}, err
	}
	return k.SavedDraft, nil
}

func (s *stub) ListDrafts(_ context.Context, tenant string, limit int, cursor string) (invoices.DraftPage, error) {
	if cursor == "bad" {
		return invoices.DraftPage{}, &document.InvalidError{Fields: []document.FieldError{{Pointer: "cursor", Detail: "is none"}}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var p invoices.DraftPage
	for _, k := range s.drafts {
		if limit > 0 && len(p.Drafts) == limit {
			p.NextCursor = p.Drafts[limit-1].ID
			break
		}
		if tenant == "acme" && k.ID > cursor {
			p.Drafts = append(p.Drafts, k.SavedDraft)
		}
	}
	return p, nil
}

func (s *stub) ChangeDraft(_ context.Context, who invoices.Identity, id string, version int64, d document.Draft, content []byte) (invoices.SavedDraft, error) {
	if err := document.CheckPartial(d, stubNow); err != nil {
		return invoices.SavedDraft{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.kept(who.Tenant, id)
	switch {
	case err != nil:
		return invoices.SavedDraft{}, err
	case k.Version != version:
		return invoices.SavedDraft{}, invoices.ErrDraftChanged
	}
	k.draft, k.Content, k.Version = d, content, version+1
	return k.SavedDraft, nil
}

func (s *stub) DeleteDraft(_ context.Context, tenant, id string, version int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.kept(tenant, id)
	switch {
	case err != nil:
		return err
	case version != 0 && k.Version != version:
		return invoices.ErrDraftChanged
	}
	s.drafts = slices.DeleteFunc(s.drafts, func(k draftKept) bool { return k.ID == id })
	return nil
}

func (s *stub) IssueDraft(ctx context.Context, who invoices.Identity, id string) (invoices.Issued, error) {
	s.mu.Lock()
	k, err := s.kept(who.Tenant, id)
	s.mu.Unlock()
	if err != nil {
		return invoices.Issued{}, err
	}
	got, err := s.Issue(ctx, invoices.Request{Identity: who, ID: "draft " + id, Draft: k.draft})
	if err != nil {
		return invoices.Issued{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k.Status, k.Invoice = "issued", got.Invoice.ID
	return got, nil
}

// Cancel credits an invoice once, and a part as often as it is asked to.
func (s *stub) Cancel(ctx context.Context, r invoices.CancelRequest) (invoices.Issued, error) {
	if s.err != nil {
		return invoices.Issued{}, s.err
	}
	inv, err := s.Invoice(ctx, r.Identity.Tenant, r.Invoice)
	if err != nil {
		return invoices.Issued{}, err
	}
	wish, err := r.Complete(inv.Draft, stubNow)
	if err != nil {
		return invoices.Issued{}, err
	}
	note, err := document.Invoiced{Draft: inv.Draft, Totals: inv.Totals}.Credit(wish.Wanted())
	if err != nil {
		return invoices.Issued{}, err
	}
	d := inv.Draft
	d.Series, d.Lines, d.Note = wish.Series, note.Lines, wish.Reason
	id := r.ID
	if wish.Lines == nil {
		id = "whole " + r.Invoice
	}
	got, err := s.Issue(ctx, invoices.Request{Identity: r.Identity, ID: id, Draft: d})
	got.Invoice.Kind, got.Invoice.Credits, got.Invoice.CreditsPrinted = "credit_note", inv.ID, inv.PrintedNumber
	return got, err
}
