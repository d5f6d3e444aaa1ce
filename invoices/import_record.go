package invoices

import (
	"encoding/json"
	"strings"

	"folio/counter"
	"folio/invoices/document"
)

// record is one line of a file that is moved in: an invoice as the API shows it,
// with what an export says besides.
type record struct {
	Type string `json:"type,omitempty"` // what it is a line of; "" is "document"
	Invoice
	Request   *requestRecord `json:"request,omitempty"`   // how repeats find it; nil: nobody will repeat it
	KeyID     string         `json:"key_id,omitempty"`    // whose key issued it
	Reference string         `json:"reference,omitempty"` // of an external number
	Reason    string         `json:"reason,omitempty"`    // of a void
}

// requestRecord is the request that made a document, with its origin: a repeat of
// it gets the document wherever it was moved.
type requestRecord struct {
	ID     string `json:"id"`
	Item   int    `json:"item,omitzero"`
	Digest string `json:"digest"` // SHA-256, in hexadecimal digits
}

// The parts of an export. What is not in the list of parts is a document.
const (
	partExport   = "export" // the first line
	partEnd      = "end"    // the last line: the file is whole
	partDocument = "document"
)

// exportHead is the first line of an export.
type exportHead struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	Tenant  string `json:"tenant"`
}

const exportVersion = 1

// exportEnd is the last line of an export.
type exportEnd struct {
	Type      string `json:"type"`
	Documents int64  `json:"documents"`
}

// fileLine is one line of a file, decoded.
type fileLine struct {
	line   int64
	record record
	part   string // "" if it is a document
	body   json.RawMessage
}

// staged is a row of import_rows.
type staged struct {
	line      int64
	series    counter.Series
	number    int64
	status    string
	createdAt string
	kind      string
	request   requestRecord
	digest    []byte
	keyID     string
	printed   string
	reference string
	reason    string
	draft     document.Draft
	totals    document.Totals
	content   string
	credits   key    // Number 0: none, or by its printed number
	creditsBy string // the printed number of what it credits
}

// stagedColumns are the columns of import_rows, in the order of values.
func stagedColumns() []string {
	return []string{"import", "line", "series", "period", "number", "status", "created_at", "kind", "request_id", "item", "digest", "key_id",
		"issue_date", "currency", "net", "tax", "gross", "printed_number", "content", "reference", "reason",
		"credits_series", "credits_period", "credits_number", "credits_printed"}
}

// values are the columns of s, with null for what it does not say.
func (s *staged) values(name string) []any {
	text := func(v string) any {
		if v == "" {
			return nil
		}
		return v
	}
	issued, ofDocument := s.status == statusIssued, s.status == statusIssued && s.kind != kindExternal
	only := func(when bool, v any) any {
		if !when {
			return nil
		}
		return v
	}
	credits := s.credits.Number != 0
	return []any{name, s.line, s.series.Name, s.series.Period, s.number, s.status, s.createdAt, s.kind,
		only(issued, s.request.ID), int64(s.request.Item), only(issued, s.digest), only(issued, s.keyID), only(issued, s.draft.IssueDate),
		only(ofDocument, s.draft.Currency), only(ofDocument, s.totals.Net), only(ofDocument, s.totals.Tax), only(ofDocument, s.totals.Gross),
		only(issued, s.printed), only(ofDocument, s.content), text(s.reference), only(!issued, s.reason),
		only(credits, s.credits.Name), only(credits, s.credits.Period), only(credits, s.credits.Number), text(s.creditsBy)}
}

// credited reads what a credit note credits: the id of an invoice, of whatever
// tenant it was in the file, or a printed number.
func (s *staged) credited(text string) {
	if !strings.HasPrefix(text, idPrefix) {
		s.creditsBy = text
		return
	}
	if k, ok := decodeKey(idPrefix, text); ok {
		s.credits = k
		return
	}
	s.creditsBy = text
}
