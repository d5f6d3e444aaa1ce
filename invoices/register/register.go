// Package register writes the register of a series: every number from its first to
// its mark, in order, with what became of it. It is written page by page as CSV for
// spreadsheets, as JSON, or as a page that prints, and nothing of it is kept: a
// register of a million numbers takes no more memory than one of a thousand.
//
// A register that was cut short shows it: the JSON lacks its end, the page lacks its
// last line. CSV cannot; whoever sends it must break the connection.
package register

import (
	"fmt"
	"io"
	"time"
)

// The formats of a register.
const (
	CSV  = "csv"
	JSON = "json"
	HTML = "html"
)

// Formats lists them.
func Formats() []string { return []string{CSV, JSON, HTML} }

// The states of a number that no document bears; the others are issued, cancelled
// and void.
const (
	Held        = "held"        // a replica has it: it is being used now
	Free        = "free"        // it is used next
	Unaccounted = "unaccounted" // nothing is known of it
)

// Head is what a register begins with.
type Head struct {
	Owner  string // whose numbers they are, for people
	Series string
	Period string // "", "2026" or "2026-11"
	First  int64  // where the series begins
	Mark   int64  // the highest number that was reserved; First-1 if none was
	AsOf   AsOf
}

// AsOf is when the ledger was read. The rows were read after it, so that each number
// up to the mark was accounted for by then.
type AsOf struct {
	At           time.Time `json:"at"`
	EtcdRevision int64     `json:"etcd_revision,omitempty"` // 0: there is no ledger in etcd, or it was not told
}

// Line is what became of one number. What does not apply is empty.
type Line struct {
	Number        int64  `json:"number"`
	PrintedNumber string `json:"printed_number,omitempty"`
	Date          string `json:"date,omitempty"` // YYYY-MM-DD: of issue; of a void the day on which it became void
	Kind          string `json:"kind,omitempty"` // invoice, credit_note or external
	Status        string `json:"status"`         // issued, cancelled, void, Held, Free or Unaccounted
	Currency      string `json:"currency,omitempty"`
	Gross         string `json:"gross,omitempty"`       // as on the document
	Reason        string `json:"reason,omitempty"`      // of a void, as folio calls it or in somebody's own words
	Explanation   string `json:"explanation,omitempty"` // the reason as a sentence
}

// Writer writes one register: Begin once, Lines for each page, End once.
type Writer interface {
	Begin(Head) error
	Lines([]Line) error
	End() error
}

// NewWriter returns the writer of a format.
func NewWriter(w io.Writer, format string) (Writer, error) {
	switch format {
	case CSV:
		return &csvWriter{to: w}, nil
	case JSON:
		return &jsonWriter{to: w}, nil
	case HTML:
		return &pageWriter{to: w}, nil
	}
	return nil, fmt.Errorf("format %q of a register: want csv, json or html", format)
}
