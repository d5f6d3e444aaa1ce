package document

// Draft is what a client sends to have an invoice issued. All amounts,
// quantities and rates are decimal strings, as sent: an optional minus sign,
// digits, and behind a point more digits (-12.50). An empty string is an absent
// field. An empty list or object that was sent comes back as an empty one.
type Draft struct {
	Series    string            `json:"series,omitempty"`     // default "invoice"
	IssueDate string            `json:"issue_date,omitempty"` // YYYY-MM-DD, default today in the tenant's zone
	DueDate   string            `json:"due_date,omitempty"`   // YYYY-MM-DD
	Currency  string            `json:"currency"`             // ISO 4217
	Customer  Customer          `json:"customer"`
	Lines     []Line            `json:"lines"`
	Discounts []Adjustment      `json:"discounts,omitzero"` // of the whole document
	Charges   []Adjustment      `json:"charges,omitzero"`   // of the whole document
	Note      string            `json:"note,omitempty"`
	Metadata  map[string]string `json:"metadata,omitzero"`
}

// Customer is the buyer (EN 16931 BG-7).
type Customer struct {
	Name    string   `json:"name"`
	Email   string   `json:"email,omitempty"`
	TaxID   string   `json:"tax_id,omitempty"`
	Address *Address `json:"address,omitzero"`
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
	Discounts   []Adjustment `json:"discounts,omitzero"`
	Tax         Tax          `json:"tax"`
}

// Adjustment is a discount or a charge: either a percentage or an amount. On
// those of a document, Tax says whose base it changes; it may be absent if all
// lines share one category and rate. On those of a line it is absent: they share
// the line's.
type Adjustment struct {
	Percent string `json:"percent,omitempty"`
	Amount  string `json:"amount,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Tax     *Tax   `json:"tax,omitzero"`
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
