package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"folio/invoices"
	"folio/invoices/document"
)

// problem is an answer after RFC 9457.
type problem struct {
	Type   string                `json:"type"` // stable
	Title  string                `json:"title"`
	Status int                   `json:"status"`
	Detail string                `json:"detail,omitempty"`
	Errors []document.FieldError `json:"errors,omitempty"`

	retryAfter int   // seconds; 0: none
	cause      error // for the log
}

// Errors of the edge itself.
var (
	errNoRoute       = errors.New("there is nothing at this path")
	errMethod        = errors.New("this path has no such method; see Allow")
	errNotAcceptable = errors.New("an invoice is shown as application/json, text/html or application/xml; accept one of them")
	errNoRegister    = errors.New("a register is shown as application/json, text/csv or text/html; accept one of them")
	errClientGone    = errors.New("the client is gone, or takes too long")
	errTooLarge      = errors.New("the body is larger than this path takes")
	errMedia         = errors.New("the body must be application/json or another type that the contract names here, without a Content-Encoding")
	errNoMatch       = errors.New("the request needs If-Match with the ETag of what it changes")
	errScope         = errors.New("the API key lacks the scope that this request needs")
	errFlood         = errors.New("too many requests of this tenant at a time; send this one again")
	errBusy          = errors.New("too much is being sent to this replica at the moment; send the request again")
)

// malformedError is a request that cannot be read: 400.
type malformedError struct{ fields []document.FieldError }

func (e *malformedError) Error() string { return (&document.InvalidError{Fields: e.fields}).Error() }

func malformed(pointer, detail string) error {
	return &malformedError{fields: []document.FieldError{{Pointer: pointer, Detail: detail}}}
}

// statuses says which status each error has, in the order in which they are
// looked for. The error's own text is the detail where it was written for
// clients.
var statuses = []struct {
	err        error
	status     int
	slug       string
	title      string
	retryAfter int
}{
	{errNoRoute, http.StatusNotFound, "not-found", "Not found", 0},
	{invoices.ErrNotFound, http.StatusNotFound, "not-found", "Not found", 0},
	{errMethod, http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", 0},
	{errNotAcceptable, http.StatusNotAcceptable, "not-acceptable", "Not acceptable", 0},
	{errNoRegister, http.StatusNotAcceptable, "not-acceptable", "Not acceptable", 0},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too-large", "Body too large", 0},
	{errMedia, http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type", 0},
	{errScope, http.StatusForbidden, "forbidden", "Forbidden", 0},
	{errFlood, http.StatusTooManyRequests, "too-many-requests", "Too many requests", 1},
	{errBusy, http.StatusServiceUnavailable, "busy", "Busy", 1},
	{invoices.ErrUnauthorized, http.StatusUnauthorized, "unauthorized", "Unauthorized", 0},
	{invoices.ErrRequestReused, http.StatusUnprocessableEntity, "request-reused", "Idempotency key reused", 0},
	{invoices.ErrPrintedClash, http.StatusConflict, "printed-clash", "Printed number taken", 0},
	{invoices.ErrNotExternal, http.StatusConflict, "not-external", "Not an external number", 0},
	{errNoMatch, http.StatusPreconditionRequired, "precondition-required", "Precondition required", 0},
	{invoices.ErrDraftChanged, http.StatusPreconditionFailed, "stale", "Changed meanwhile", 0},
	{invoices.ErrDraftIssued, http.StatusConflict, "draft-issued", "Draft issued", 0},
	{invoices.ErrOverCredited, http.StatusConflict, "over-credited", "More than is left", 0},
	{invoices.ErrNothingLeft, http.StatusConflict, "nothing-left", "Credited in full", 0},
	{invoices.ErrCreditNote, http.StatusConflict, "credit-note", "A credit note", 0},
	{invoices.ErrSeriesExhausted, http.StatusConflict, "series-exhausted", "Series exhausted", 0},
	{invoices.ErrSeriesExpired, http.StatusConflict, "series-expired", "Range of the series expired", 0},
	{invoices.ErrSeriesUsed, http.StatusConflict, "series-used", "Series in use", 0},
	{invoices.ErrNoRange, http.StatusConflict, "no-range", "Series without a range", 0},
	{invoices.ErrTooMany, http.StatusConflict, "too-many-voids", "Too many numbers to void", 0},
	{invoices.ErrLedgerDamaged, http.StatusInternalServerError, "ledger-damaged", "Ledger damaged", 0},
	{invoices.ErrSeriesSuspended, http.StatusServiceUnavailable, "series-suspended", "Series suspended", 30},
	{invoices.ErrOutcomeUnknown, http.StatusServiceUnavailable, "outcome-unknown", "Outcome unknown", 1},
	{invoices.ErrBehind, http.StatusServiceUnavailable, "series-suspended", "Series suspended", 10},
	{invoices.ErrResuming, http.StatusServiceUnavailable, "series-suspended", "Series suspended", 5},
	{invoices.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable", 1},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable", 1},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable", 1},
}

// problemOf finds the problem of an error. What is not in the list is internal:
// its text stays in the log.
func problemOf(err error) problem {
	var bad *malformedError
	var invalid *document.InvalidError
	switch {
	case errors.As(err, &bad):
		return problem{Type: typeOf("malformed"), Title: "Malformed request", Status: http.StatusBadRequest, Errors: bad.fields}
	case errors.As(err, &invalid):
		return problem{Type: typeOf("invalid"), Title: "Invalid content", Status: http.StatusUnprocessableEntity, Errors: invalid.Fields}
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return problem{Type: typeOf(s.slug), Title: s.title, Status: s.status, Detail: s.err.Error(), retryAfter: s.retryAfter}
		}
	}
	return problem{Type: typeOf("internal"), Title: "Internal error", Status: http.StatusInternalServerError,
		Detail: "Something went wrong here; the log has it under the X-Request-Id of this answer."}
}

func typeOf(slug string) string { return "urn:folio:problem:" + slug }

func (p problem) write(w http.ResponseWriter) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="folio"`)
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}

// writeJSON sends an answer. A client that left needs none, so a failed write
// is no error.
func writeJSON(w http.ResponseWriter, mediaType string, status int, body any) {
	var kept *buffers
	if rec, ok := w.(*recorder); ok {
		kept = rec.buffers
	}
	text := kept.get()
	defer kept.put(text)
	if err := json.MarshalWrite(text, body); err != nil {
		panic(err) // our own types encode
	}
	text.WriteByte('\n')
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// asMalformed makes what is wrong with query parameters a 400: there is no
// document that could be invalid.
func asMalformed(err error) error {
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		return &malformedError{fields: invalid.Fields}
	}
	return err
}
