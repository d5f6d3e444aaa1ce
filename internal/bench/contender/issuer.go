package contender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"folio/invoices"
	"folio/invoices/document"
)

// row is a document on its way into the table.
type row struct {
	tenant, series, period string
	prefix                 string // of its printed number, before the digits
	request                string
	digest                 [32]byte
	key                    string
	at                     time.Time
	draft                  document.Draft
	seller                 *document.Party
	totals                 document.Totals
	content                string
}

// way numbers rows and stores them.
type way interface {
	// store stores r and returns its number; errRepeat if its request is stored.
	store(ctx context.Context, r *row) (int64, error)
	// repeated returns what the request of r led to before; errNew if it led to nothing.
	repeated(ctx context.Context, r *row) (invoices.Issued, error)
	close() error
}

// issuer is an httpapi.Issuer that makes invoices as invoices.Issuer does, and has a
// way number and store them.
type issuer struct {
	way       way
	lookFirst bool // for what a request led to before
}

// Issue implements httpapi.Issuer.
func (is issuer) Issue(ctx context.Context, r invoices.Request) (invoices.Issued, error) {
	made, err := prepare(r)
	if err != nil {
		return invoices.Issued{}, err
	}
	if is.lookFirst && r.ID != "" {
		if got, err := is.way.repeated(ctx, made); !errors.Is(err, errNew) {
			return got, err
		}
	}
	n, err := is.way.store(ctx, made)
	if errors.Is(err, errRepeat) {
		return is.way.repeated(ctx, made)
	}
	if err != nil {
		return invoices.Issued{}, fmt.Errorf("store the invoice: %w", err)
	}
	return invoices.Issued{Invoice: made.invoice(n)}, nil
}

// Cancel implements httpapi.Issuer: contenders only issue.
func (is issuer) Cancel(context.Context, invoices.CancelRequest) (invoices.Issued, error) {
	return invoices.Issued{}, invoices.ErrNotFound
}

// prepare does what comes before the number.
func prepare(r invoices.Request) (*row, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	if r.Draft.Currency == "" {
		r.Draft.Currency = r.Identity.Currency
	}
	draft, totals, err := document.Complete(r.Draft, now.In(r.Identity.Zone))
	if err != nil {
		return nil, err
	}
	made := &row{
		tenant: r.Identity.Tenant, series: draft.Series, period: document.PeriodYear.Period(draft.IssueDate),
		request: "s:" + uuid.NewString(), digest: r.Digest, key: r.Identity.KeyID, at: now, draft: draft, totals: totals,
	}
	if r.ID != "" {
		made.request = "c:" + r.ID
	}
	if r.Identity.Seller != (document.Party{}) {
		made.seller = &r.Identity.Seller
	}
	made.prefix = "INV-" + made.period + "-"
	return made, made.encode()
}

// content is the column of that name.
type content struct {
	document.Draft
	Seller *document.Party `json:"seller,omitempty"`
	Totals document.Totals `json:"totals"`
}

func (r *row) encode() error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(content{r.draft, r.seller, r.totals}); err != nil {
		return fmt.Errorf("encode the invoice: %w", err)
	}
	r.content = text.String()
	return nil
}

// invoice is the answer.
func (r *row) invoice(n int64) invoices.Invoice {
	return invoices.Invoice{
		ID: idOf(r.tenant, r.series, r.period, n), Kind: "invoice", Status: "issued", Period: r.period, Number: n,
		PrintedNumber: r.printed(n), CreatedAt: r.at, Draft: r.draft, Seller: r.seller, Totals: r.totals,
	}
}

func (r *row) printed(n int64) string { return fmt.Sprintf("%s%06d", r.prefix, n) }
