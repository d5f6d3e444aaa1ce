package invoices

import (
	"time"

	"folio/invoices/document"
)

// Tenant is an issuer of invoices.
type Tenant struct {
	Name      string    `json:"name" db:"name"`           // [a-z0-9-], the tenant's identity
	TimeZone  string    `json:"time_zone" db:"time_zone"` // IANA name; decides what "today" is
	CreatedAt time.Time `json:"created_at" db:"created_at"`
}

// Identity is who an API key speaks for.
type Identity struct {
	Tenant string
	Zone   *time.Location
	KeyID  string
}

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
}

// Invoice is an issued document, as the API shows it. The embedded Draft is
// what was sent, with its defaults filled in.
type Invoice struct {
	ID            string    `json:"id"`
	Status        string    `json:"status"` // "issued"
	Period        string    `json:"period"` // "", "2026" or "2026-11"
	Number        int64     `json:"number"`
	PrintedNumber string    `json:"printed_number"`
	CreatedAt     time.Time `json:"created_at"`
	document.Draft
	Totals document.Totals `json:"totals"`
}

// Query selects invoices of one tenant; zero fields select all.
type Query struct {
	Series string
	Period *string // nil: any; "" is the period of a series that never restarts
	Number int64
	Limit  int    // 1 to 100
	Cursor string // NextCursor of the page before
}

// Page is a part of a list, in the order (series, period, number).
type Page struct {
	Invoices   []Invoice
	NextCursor string // "" on the last page
}
