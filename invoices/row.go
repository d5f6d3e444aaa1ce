package invoices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

// row is one invoice on its way into the table.
type row struct {
	Number    counter.Number
	RequestID string // with its origin, see requestID
	Digest    [32]byte
	KeyID     string
	Printed   string
	CreatedAt time.Time // to the microsecond, as Postgres keeps it
	Draft     document.Draft
	Totals    document.Totals

	content string // Draft and Totals as JSON
}

// content is what the content column holds.
type content struct {
	document.Draft
	Totals document.Totals `json:"totals"`
}

// encode fills content.
func (r *row) encode() error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(content{Draft: r.Draft, Totals: r.Totals}); err != nil {
		return fmt.Errorf("encode the invoice: %w", err)
	}
	r.content = text.String()
	return nil
}

func (r *row) key() key { return key{Series: r.Number.Series(), Number: r.Number.Value()} }

// invoice shows r as it is stored.
func (r *row) invoice() Invoice {
	s := r.Number.Series()
	return Invoice{
		ID:     r.key().encode(idPrefix),
		Status: statusIssued, Period: s.Period, Number: r.Number.Value(), PrintedNumber: r.Printed,
		CreatedAt: r.CreatedAt, Draft: r.Draft, Totals: r.Totals,
	}
}

// stored is a row of the table, as far as an answer needs it.
type stored struct {
	Tenant    string    `db:"tenant"`
	Series    string    `db:"series"`
	Period    string    `db:"period"`
	Number    int64     `db:"number"`
	CreatedAt time.Time `db:"created_at"`
	Printed   string    `db:"printed_number"`
	Content   string    `db:"content"`
	Digest    []byte    `db:"digest"`
}

// storedColumns are the columns of stored, of a table named d.
const storedColumns = `d.tenant, d.series, d.period, d.number, d.created_at, d.printed_number, d.content, d.digest`

func (s stored) key() key {
	return key{Series: counter.Series{Tenant: s.Tenant, Name: s.Series, Period: s.Period}, Number: s.Number}
}

func (s stored) invoice() (Invoice, error) {
	var c content
	if err := json.Unmarshal([]byte(s.Content), &c); err != nil {
		return Invoice{}, fmt.Errorf("decode the stored invoice %s number %d: %w", s.key().Series, s.Number, err)
	}
	return Invoice{
		ID: s.key().encode(idPrefix), Status: statusIssued, Period: s.Period, Number: s.Number,
		PrintedNumber: s.Printed, CreatedAt: s.CreatedAt.UTC(), Draft: c.Draft, Totals: c.Totals,
	}, nil
}
