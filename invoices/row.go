package invoices

import (
	"encoding/json"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"

	"github.com/lib/pq"
)

// row is one invoice on its way into the table.
type row struct {
	Kind      string
	Number    counter.Number // the zero Number in a strict series
	Strict    strictPlace    // in a strict series, instead
	RequestID string         // with its origin, see requestID
	Item      int            // its place among the numbers of one request; 0 for a document
	Digest    [32]byte
	KeyID     string
	Printed   string
	Reference string    // of an external number: what its owner calls the document
	CreatedAt time.Time // to the microsecond, as Postgres keeps it
	Draft     document.Draft
	Seller    document.Party
	Totals    document.Totals
	credit    *credit // of a credit note that credits an invoice; else nil

	content string // Draft, Seller and Totals as JSON; "" of an external number
}

// forget drops what a row says that is not to be written, and lies in the queue until a
// writer comes by. What that looks at before it claims a row stays.
func (r *row) forget() {
	r.Draft, r.Seller, r.Totals, r.content = document.Draft{}, document.Party{}, document.Totals{}, ""
}

func (r *row) key() key { return key{Series: r.place(), Number: r.number()} }

// place is the series of r, in a period.
func (r *row) place() counter.Series {
	if r.strict() {
		return r.Strict.Series
	}
	return r.Number.Series()
}

func (r *row) number() int64 {
	if r.strict() {
		return r.Strict.Number
	}
	return r.Number.Value()
}

// invoice shows r as it is stored.
func (r *row) invoice() Invoice {
	k := r.key()
	i := Invoice{
		ID: k.encode(idPrefix), Kind: r.Kind,
		Status: statusIssued, Period: k.Period, Number: k.Number, PrintedNumber: r.Printed,
		CreatedAt: r.CreatedAt, Draft: r.Draft, Seller: named(r.Seller), Totals: r.Totals,
	}
	if r.credit != nil {
		i.Credits, i.CreditsPrinted = r.credit.of.encode(idPrefix), r.credit.printed
	}
	return i
}

// stored is a row of the table, as far as an answer needs it.
type stored struct {
	Tenant    string    `db:"tenant"`
	Series    string    `db:"series"`
	Period    string    `db:"period"`
	Number    int64     `db:"number"`
	Kind      string    `db:"kind"`
	CreatedAt time.Time `db:"created_at"`
	Printed   string    `db:"printed_number"`
	Content   string    `db:"content"` // "" of an external number
	Digest    []byte    `db:"digest"`

	CreditsSeries string `db:"credits_series"` // of a credit note that credits an invoice
	CreditsPeriod string `db:"credits_period"`
	CreditsNumber int64  `db:"credits_number"` // 0: none

	CreditsPrinted string `db:"credits_printed"` // of that invoice
}

// storedColumns are the columns of stored, of a table named d.
const storedColumns = `d.tenant, d.series, d.period, d.number, d.kind, d.created_at, d.printed_number,
	coalesce(cast(d.content as text), '') as content, d.digest,
	` + creditsColumns

// creditsColumns name the invoice that a credit note credits. Only for credit notes
// it is looked up, by its key.
const creditsColumns = `coalesce(d.credits_series, '') as credits_series, coalesce(d.credits_period, '') as credits_period,
	coalesce(d.credits_number, 0) as credits_number,
	case when d.credits_number is null then '' else coalesce((
		select o.printed_number from documents o
		where o.tenant = d.tenant and o.series = d.credits_series and o.period = d.credits_period and o.number = d.credits_number
	), '') end as credits_printed`

func (s stored) key() key {
	return key{Series: counter.Series{Tenant: s.Tenant, Name: s.Series, Period: s.Period}, Number: s.Number}
}

func (s stored) invoice() (Invoice, error) {
	var c content
	if err := json.Unmarshal([]byte(s.Content), &c); err != nil {
		return Invoice{}, fmt.Errorf("decode the stored invoice %s number %d: %w", s.key().Series, s.Number, err)
	}
	return Invoice{
		ID: s.key().encode(idPrefix), Kind: s.Kind, Status: statusIssued, Period: s.Period, Number: s.Number,
		PrintedNumber: s.Printed, CreatedAt: s.CreatedAt.UTC(), Draft: c.Draft, Seller: c.Seller, Totals: c.Totals,
		Credits: s.credits(), CreditsPrinted: s.CreditsPrinted,
	}, nil
}

// credits returns the id of the invoice that s credits; "" if there is none.
func (s stored) credits() string {
	if s.CreditsNumber == 0 {
		return ""
	}
	of := counter.Series{Tenant: s.Tenant, Name: s.CreditsSeries, Period: s.CreditsPeriod}
	return key{Series: of, Number: s.CreditsNumber}.encode(idPrefix)
}

// shown is a document as it is read, with what was credited of it.
type shown struct {
	stored
	Notes       int            `db:"notes"`
	Credited    string         `db:"credited"`
	Closed      bool           `db:"closed"`
	CreditNotes pq.StringArray `db:"credit_notes"` // series/period/number of each, in their order
}

// shownColumns are the columns of shown, of a document d with its account c.
const shownColumns = storedColumns + `, coalesce(c.notes, 0) as notes, cast(coalesce(c.credited, 0) as text) as credited,
	coalesce(c.closed, false) as closed, case when c.notes > 0 then array(
		select n.series || '/' || n.period || '/' || n.number from credit_notes n
		where n.tenant = d.tenant and n.invoice_series = d.series and n.invoice_period = d.period and n.invoice_number = d.number
		order by n.place) end as credit_notes`

func (s shown) invoice() (Invoice, error) {
	i, err := s.stored.invoice()
	if err != nil || s.Notes == 0 {
		return i, err
	}
	i.Credited = s.Credited
	if s.Closed {
		i.Status = statusCancelled
	}
	for _, note := range s.CreditNotes {
		i.CreditNotes = append(i.CreditNotes, encodePath(idPrefix, s.Tenant+"/"+note))
	}
	return i, nil
}
