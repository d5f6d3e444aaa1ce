package invoices

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"folio/invoices/document"
)

// CancelRequest is one wish for a credit note.
type CancelRequest struct {
	Identity Identity
	ID       string   // the client's Idempotency-Key; it identifies the wish for a part
	Digest   [32]byte // SHA-256 of the body as canonical JSON (RFC 8785)
	Invoice  string   // the public id of the invoice
	document.Cancellation
}

// Cancel issues a credit note of an invoice: of the lines that r names, or of all
// that is left. The latter needs no request id, for it can happen once: whoever
// asks again gets the same credit note, whatever the body. An invoice of which
// nothing is left is cancelled.
//
// Errors: those of Issue; ErrNotFound, ErrCreditNote, ErrOverCredited,
// ErrNothingLeft.
func (is *Issuer) Cancel(ctx context.Context, r CancelRequest) (Issued, error) {
	of, ok := decodeKey(idPrefix, r.Invoice)
	if !ok || of.Tenant != r.Identity.Tenant {
		return Issued{}, ErrNotFound
	}
	got, err := is.cancel(ctx, r, of)
	return got, is.ranges.note(err)
}

// cancel is Cancel of the document of a key.
func (is *Issuer) cancel(ctx context.Context, r CancelRequest, of key) (Issued, error) {
	id, sent := r.request()
	before, err := is.before(ctx, sent, id)
	if before != nil || err != nil {
		return issued(before, err)
	}
	for {
		p, err := is.prepareCredit(ctx, r, of)
		if errors.Is(err, ErrOverCredited) || errors.Is(err, ErrNothingLeft) {
			// Perhaps by this very request, since it was looked for.
			if before, again := is.before(ctx, sent, id); before != nil || again != nil {
				return issued(before, again)
			}
		}
		if err != nil {
			return Issued{}, err
		}
		p.Digest, p.RequestID = sent.Digest, id
		got, err := is.store(ctx, p)
		switch {
		case !errors.Is(err, errMoved):
			return got, err
		case ctx.Err() != nil:
			return Issued{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// request returns what tells r from others: its id, and a digest that is the same
// for all wishes which that id stands for.
func (r CancelRequest) request() (id string, sent Request) {
	if r.Lines == nil {
		id = fromCancel + r.Invoice
		return id, Request{Identity: r.Identity, Digest: sha256.Sum256([]byte(id))}
	}
	// The same body for another invoice is another wish.
	return requestID(r.ID), Request{Identity: r.Identity, Digest: sha256.Sum256(append([]byte(r.Invoice+"\n"), r.Digest[:]...))}
}

// prepareCredit computes the credit note for the invoice as it stands now.
func (is *Issuer) prepareCredit(ctx context.Context, r CancelRequest, of key) (*prepared, error) {
	a, err := is.DB.account(ctx, of)
	if err != nil {
		return nil, err
	}
	if a.Kind != kindInvoice {
		return nil, ErrCreditNote
	}
	inv, invoiced, err := a.invoiced()
	if err != nil {
		return nil, err
	}
	at := is.now()
	wish, err := r.Complete(inv.Draft, at.In(r.Identity.zone()))
	if err != nil {
		return nil, err
	}
	known, err := is.creditRule(ctx, r.Identity.Tenant, wish.Series)
	if err != nil {
		return nil, err
	}
	note, err := invoiced.Credit(wish.Wanted())
	if err != nil {
		return nil, err
	}
	if !a.Open {
		if err := is.DB.openAccount(ctx, of); err != nil {
			return nil, err
		}
	}
	taken, err := a.take(note)
	if err != nil {
		return nil, err
	}
	return is.place(known, r.Identity.zone(), row{
		KeyID: r.Identity.KeyID, CreatedAt: at, Seller: seller(inv, r.Identity), Totals: note.Totals, credit: taken,
		Draft: document.Draft{
			Series: wish.Series, IssueDate: wish.IssueDate, Currency: inv.Currency, Customer: inv.Customer,
			Lines: note.Lines, Discounts: note.Discounts, Charges: note.Charges, Note: wish.Reason,
		},
	})
}

// creditRule returns the rule of a series that credit notes can be issued in.
func (is *Issuer) creditRule(ctx context.Context, tenant, series string) (*rule, error) {
	known, err := is.documentRule(ctx, tenant, series)
	switch {
	case err != nil:
		return nil, err
	case known.kind != kindCreditNote:
		return nil, invalid("/series", fmt.Sprintf("%q numbers invoices; name a series whose document is credit_note", series))
	}
	return known, nil
}

// seller returns who issues the credit note of an invoice: whoever issued that. One
// that does not say, as when it was moved in, is the tenant's as it is now.
func seller(i Invoice, who Identity) document.Party {
	if i.Seller == nil {
		return who.Seller
	}
	return *i.Seller
}
