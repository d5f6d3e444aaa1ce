package invoices

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

const (
	// fromImport begins the request ids of imported rows that no client will
	// repeat; no client can send one.
	fromImport = "i:"

	keyImport    = "import" // the key of rows that no key issued
	reasonImport = "import" // of numbers between imported ones that no document bears

	maxPrinted   = 1600 // a format of the longest kind, filled in
	maxRequestID = 300
	maxOfRequest = 1000 // items of one request
	maxKeyID     = 100
)

// maker makes rows out of records, by the rules of the tenant's series.
type maker struct {
	name   string // of the import
	tenant string
	zone   *time.Location
	rules  map[string]*rule
	now    time.Time
	text   bytes.Buffer
}

// make checks a record. Errors are of the record, each with a JSON pointer.
func (m *maker) make(it *fileLine) (*staged, []document.FieldError) {
	r := &it.record
	s := &staged{line: it.line, number: r.Number, status: statusIssued, kind: r.Kind, printed: r.PrintedNumber, reference: r.Reference, reason: r.Reason, keyID: r.KeyID, draft: r.Draft}
	if r.Status == statusVoid {
		s.status = statusVoid
	}
	if s.kind == "" {
		s.kind = kindInvoice
	}
	if s.draft.Series == "" {
		s.draft.Series = seriesOfKind(s.kind)
	}
	c := &recordCheck{}
	known := m.rules[s.draft.Series]
	c.record(s, r, known)
	if s.status == statusIssued {
		m.issued(c, s, r)
	}
	m.placed(c, s, r, known)
	if len(c.bad) > 0 {
		return nil, c.bad
	}
	if r.CreatedAt.IsZero() {
		r.CreatedAt = m.now
	}
	s.createdAt = r.CreatedAt.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	if s.status == statusVoid {
		s.kind, s.printed = kindInvoice, ""
		return s, nil
	}
	m.finish(c, s, r)
	return s, c.bad
}

func seriesOfKind(kind string) string {
	if kind == kindCreditNote {
		return "credit-note"
	}
	return document.DefaultSeries
}

// recordCheck collects what is wrong with one record.
type recordCheck struct{ bad []document.FieldError }

func (c *recordCheck) fail(at, format string, args ...any) {
	c.bad = append(c.bad, document.FieldError{Pointer: at, Detail: fmt.Sprintf(format, args...)})
}

func (c *recordCheck) line(at, s string, most int) {
	if fault := document.LineFault(s, most); fault != "" {
		c.fail(at, "%s", fault)
	}
}

func (c *recordCheck) text(at, s string, most int) {
	if fault := document.TextFault(s, most); fault != "" {
		c.fail(at, "%s", fault)
	}
}

// record checks what no document has.
func (c *recordCheck) record(s *staged, r *record, known *rule) {
	if s.number < 1 || s.number > counter.MaxNumber {
		c.fail("/number", "is no number of a document: want 1 to %d", int64(counter.MaxNumber))
	}
	switch {
	case known == nil:
		c.fail("/series", "there is no series %q; make it first", s.draft.Series)
	case s.status == statusIssued && s.kind != kindExternal && s.kind != known.kind:
		c.fail("/kind", "is %s, but series %q numbers documents of kind %s", s.kind, s.draft.Series, known.kind)
	}
	switch s.kind {
	case kindInvoice, kindCreditNote, kindExternal:
	default:
		c.fail("/kind", "use invoice, credit_note or external")
	}
	switch r.Status {
	case "", statusIssued, "cancelled", statusVoid: // that one is cancelled follows from its credit notes
	default:
		c.fail("/status", "use issued or void")
	}
	c.line("/printed_number", s.printed, maxPrinted)
	c.text("/reason", s.reason, document.MaxReason)
	c.text("/reference", s.reference, document.MaxReference)
	c.line("/key_id", s.keyID, maxKeyID)
	if s.status == statusVoid && s.reason == "" {
		c.fail("/reason", "is required of a void number")
	}
}

// issued checks the document of a number that is not void.
func (m *maker) issued(c *recordCheck, s *staged, r *record) {
	if s.kind == kindExternal {
		if _, err := time.Parse(time.DateOnly, s.draft.IssueDate); err != nil {
			c.fail("/issue_date", "is required: the day it was issued, YYYY-MM-DD")
		}
		return
	}
	draft, totals, err := document.CompleteRecorded(s.draft, r.Totals, m.now.In(m.zone))
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		c.bad = append(c.bad, invalid.Fields...)
		return
	}
	s.draft, s.totals = draft, totals
	if r.Credits == "" {
		return
	}
	if s.kind != kindCreditNote {
		c.fail("/credits", "is only for credit notes")
	}
	s.credited(r.Credits)
}

// placed finds the period: the record's own must be that of its date. A void has no
// date, so it names its period itself.
func (m *maker) placed(c *recordCheck, s *staged, r *record, known *rule) {
	if len(c.bad) > 0 {
		return
	}
	s.series = counter.Series{Tenant: m.tenant, Name: s.draft.Series, Period: r.Period}
	if s.status == statusIssued || s.draft.IssueDate != "" {
		if _, err := time.Parse(time.DateOnly, s.draft.IssueDate); err != nil {
			c.fail("/issue_date", "is no day: want YYYY-MM-DD")
			return
		}
		s.series.Period = known.period.Period(s.draft.IssueDate)
	}
	switch {
	case r.Period != "" && r.Period != s.series.Period:
		c.fail("/period", "is %q, but the document is dated %s", r.Period, s.draft.IssueDate)
	case !known.period.Fits(s.series.Period):
		c.fail("/period", "is required of a void number, or its issue_date: series %q restarts each %s", s.draft.Series, known.Period)
	}
	if s.status == statusIssued && s.printed == "" {
		s.printed = known.format.Print(s.number, document.Fields{IssueDate: s.draft.IssueDate, Series: s.draft.Series, Tenant: m.tenant})
	}
}

// finish fills in what is stored besides the document.
func (m *maker) finish(c *recordCheck, s *staged, r *record) {
	if s.keyID == "" {
		s.keyID = keyImport
	}
	if s.kind != kindExternal {
		m.text.Reset()
		enc := json.NewEncoder(&m.text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(content{Draft: s.draft, Seller: r.Seller, Totals: s.totals}); err != nil {
			c.fail("", "cannot be encoded: %v", err)
		}
		s.content = m.text.String()
	}
	m.request(c, s, r)
}

// request keeps the client's request if the record names it, so that repeats go on
// matching; else it makes one that nobody can send.
func (m *maker) request(c *recordCheck, s *staged, r *record) {
	if r.Request == nil {
		s.request.ID = fmt.Sprintf("%s%s:%010d", fromImport, m.name, s.line) // in the order of the lines, so that its index grows at the end
		sum := sha256.Sum256([]byte(s.request.ID))
		s.digest = sum[:]
		return
	}
	s.request = *r.Request
	digest, err := hex.DecodeString(s.request.Digest)
	if err != nil || len(digest) != sha256.Size {
		c.fail("/request/digest", "is no SHA-256: want 64 hexadecimal digits")
	}
	s.digest = digest
	if origin, id, found := strings.Cut(s.request.ID, ":"); !found || origin == "" || id == "" || strings.Trim(origin, "abcdefghijklmnopqrstuvwxyz") != "" {
		c.fail("/request/id", "is no request id of an export: want its origin, a colon and the id, such as c:order-4711")
	}
	c.line("/request/id", s.request.ID, maxRequestID)
	if s.request.Item < 0 || s.request.Item >= maxOfRequest {
		c.fail("/request/item", "is out of bounds: want 0 to %d", maxOfRequest-1)
	}
}
