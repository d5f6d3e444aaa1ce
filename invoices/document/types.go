// Package document knows what an invoice says: its draft as a client sends it,
// the rules the draft must keep, its totals, and how its number is printed. It
// is pure: it knows no database, no clock of its own and no HTTP.
//
// Start with [Complete], which takes a [Draft] as it was sent and returns it
// with defaults filled in, together with its [Totals], or an [InvalidError]
// that names every bad field.
package document

// Draft is what a client sends to have an invoice issued. All amounts,
// quantities and rates are decimal strings, as sent.
type Draft struct {
	Series    string            `json:"series,omitempty"`     // default "invoice"
	IssueDate string            `json:"issue_date,omitempty"` // YYYY-MM-DD, default today in the tenant's zone
	DueDate   string            `json:"due_date,omitempty"`   // YYYY-MM-DD
	Currency  string            `json:"currency"`             // ISO 4217, default the tenant's
	Customer  Customer          `json:"customer"`
	Lines     []Line            `json:"lines"`
	Discounts []Adjustment      `json:"discounts,omitempty"` // of the whole document
	Charges   []Adjustment      `json:"charges,omitempty"`   // of the whole document
	Note      string            `json:"note,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// Party is the seller (EN 16931 BG-4) as an issued document names it.
type Party struct {
	Name    string   `json:"name,omitempty"`
	TaxID   string   `json:"tax_id,omitempty"`
	Address *Address `json:"address,omitempty"`
}

// Customer is the buyer (EN 16931 BG-7).
type Customer struct {
	Name    string   `json:"name"`
	Email   string   `json:"email,omitempty"`
	TaxID   string   `json:"tax_id,omitempty"`
	Address *Address `json:"address,omitempty"`
}

// Address is a postal address (EN 16931 BG-8).
type Address struct {
	Street     string `json:"street,omitempty"`
	Locality   string `json:"locality,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166-1 alpha-2
}

// Line is one invoice line (EN 16931 BG-25).
type Line struct {
	Description string       `json:"description"`
	Quantity    string       `json:"quantity"`
	Unit        string       `json:"unit,omitempty"`
	UnitPrice   string       `json:"unit_price"`
	Discounts   []Adjustment `json:"discounts,omitempty"`
	Tax         Tax          `json:"tax"`
}

// Adjustment is a discount or a charge: either a percentage or an amount. Tax
// is given with the discounts and charges of a document and absent on those of
// a line, which share the line's.
type Adjustment struct {
	Percent string `json:"percent,omitempty"`
	Amount  string `json:"amount,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Tax     *Tax   `json:"tax,omitempty"`
}

// Tax is a VAT category of EN 16931 (S, Z, E, AE, K, G or O) and its rate in
// percent; the rate is 0 for all but S.
type Tax struct {
	Category string `json:"category"`
	Rate     string `json:"rate,omitempty"`
}

// Totals are the sums of a document, each rounded to the minor unit of its
// currency.
type Totals struct {
	Net   string     `json:"net"`
	Tax   string     `json:"tax"`
	Gross string     `json:"gross"`
	Taxes []TaxTotal `json:"taxes"`
}

// TaxTotal is the base and the tax of one category and rate (EN 16931 BG-23).
type TaxTotal struct {
	Category string `json:"category"`
	Rate     string `json:"rate"`
	Base     string `json:"base"`
	Amount   string `json:"amount"`
}
