package invoices

import (
	"slices"
	"time"

	"folio/invoices/document"
)

// Tenant is an issuer of invoices. What it says of itself is copied into each
// document at its issue.
type Tenant struct {
	Name            string            `json:"name"`                 // [a-z0-9-], the tenant's identity
	TimeZone        string            `json:"time_zone"`            // IANA name; decides what "today" is
	LegalName       string            `json:"legal_name,omitempty"` // the seller (EN 16931 BG-4) on its documents
	TaxID           string            `json:"tax_id,omitempty"`
	Address         *document.Address `json:"address,omitempty"`
	DefaultCurrency string            `json:"default_currency,omitempty"` // of drafts that name none; ISO 4217
	CreatedAt       time.Time         `json:"created_at"`
}

// Identity is who an API key speaks for.
type Identity struct {
	Tenant   string
	Zone     *time.Location
	KeyID    string
	Seller   document.Party // as the tenant's documents name it; the zero Party if it never said
	Currency string         // of a draft that names none; "" if there is none
	Scopes   []Scope        // what the key may do; the zero Identity may do nothing
}

// Scope is a right that an API key can have.
type Scope string

// The scopes there are.
const (
	InvoicesWrite Scope = "invoices:write"
	InvoicesRead  Scope = "invoices:read"
	SeriesWrite   Scope = "series:write"
)

// AllScopes returns every right there is.
func AllScopes() []Scope { return []Scope{InvoicesWrite, InvoicesRead, SeriesWrite} }

// May reports whether the key has a right.
func (i Identity) May(s Scope) bool { return slices.Contains(i.Scopes, s) }

// Request is one wish for an invoice.
type Request struct {
	Identity Identity
	ID       string   // the client's Idempotency-Key; "" if it sent none
	Digest   [32]byte // SHA-256 of the body as canonical JSON (RFC 8785), before defaults
	Draft    document.Draft
}

// Issued is the answer to a Request.
type Issued struct {
	Invoice  Invoice
	Replayed bool // the request id was known: the invoice was issued earlier

	// RangeLeft is how many numbers of an authorised range come after this one,
	// once that is what the series warns of; else nil.
	RangeLeft *int64
}

// Invoice is an issued document, as the API shows it. The embedded Draft is
// what was sent, with its defaults filled in.
type Invoice struct {
	ID            string    `json:"id"`
	Kind          string    `json:"kind"`   // "invoice" or "credit_note"
	Status        string    `json:"status"` // "issued", or "cancelled" once it is credited in full
	Period        string    `json:"period"` // "", "2026" or "2026-11"
	Number        int64     `json:"number"`
	PrintedNumber string    `json:"printed_number"`
	CreatedAt     time.Time `json:"created_at"`
	document.Draft
	Seller *document.Party `json:"seller,omitempty"` // the tenant as it was at the issue
	Totals document.Totals `json:"totals"`

	Credits        string   `json:"credits,omitempty"`                // of a credit note: the id of the invoice it credits
	CreditsPrinted string   `json:"credits_printed_number,omitempty"` // and that invoice's printed number
	Credited       string   `json:"credited,omitempty"`               // of an invoice that is read: what was credited so far, gross
	CreditNotes    []string `json:"credit_notes,omitempty"`           // and the ids of the credit notes that did
}

// Query selects invoices of one tenant; zero fields select all. What stands after
// Narrow has no index of its own and needs Series and Period.
type Query struct {
	Series        string
	Period        *string // nil: any; "" is the period of a series that never restarts
	Number        int64
	PrintedNumber string
	RequestID     string // the client's Idempotency-Key
	Narrow
	Limit  int    // 1 to 100
	Cursor string // NextCursor of the page before
}

// Narrow selects among the invoices of one series and period.
type Narrow struct {
	Status        string // "issued" or "cancelled"
	Kind          string // "invoice" or "credit_note"
	CustomerName  string // exactly
	CustomerTaxID string // exactly
	IssuedFrom    string // the first issue date, YYYY-MM-DD
	IssuedTo      string // the last issue date
	CreatedFrom   time.Time
	CreatedTo     time.Time // not included
}

// Page is a part of a list, in the order (series, period, number).
type Page struct {
	Invoices   []Invoice
	NextCursor string // "" on the last page
}
