package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"folio/invoices"
	"folio/invoices/document"
)

const (
	maxBody   = 1 << 20
	announced = 4 << 10 // the most that room is made for before it came
)

// readBody reads the JSON body of a request, whole, up to most bytes.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	return readBodyOf(w, r, most, "application/json")
}

// readOptionalBody is readBody, and an empty object if there is no body.
func readOptionalBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength == 0 {
		return []byte(`{}`), nil
	}
	return readBody(w, r, most)
}

// readBodyOf is readBody of a body that has one of some media types.
func readBodyOf(w http.ResponseWriter, r *http.Request, most int64, types ...string) ([]byte, error) {
	var body bytes.Buffer
	err := readInto(&body, w, r, most, types...)
	return body.Bytes(), err
}

// readBriefly is readBody for who needs the body only while use runs: it must keep no
// part of it. The room that the body took is its request's until that ends, since what
// was read from it is.
func (a *api) readBriefly(w http.ResponseWriter, r *http.Request, most int64, use func(body []byte) error) error {
	body := a.buffers.get()
	defer a.buffers.put(body)
	if err := readInto(body, w, r, most, "application/json"); err != nil {
		return err
	}
	return use(body.Bytes())
}

// readInto reads the body of a request, whole, up to most bytes.
func readInto(body *bytes.Buffer, w http.ResponseWriter, r *http.Request, most int64, types ...string) error {
	if !hasMedia(r, types) {
		return errMedia
	}
	if r.ContentLength > most {
		return errTooLarge
	}
	from := r.Body
	if r.ContentLength < 0 { // else the server reads no further than it was announced
		from = http.MaxBytesReader(w, from, most)
	}
	body.Grow(int(min(max(r.ContentLength, 0), announced)) + bytes.MinRead)
	defer rest(r).resume()
	if _, err := body.ReadFrom(from); err != nil {
		return readFault(w, err)
	}
	return nil
}

// hasMedia reports whether the body of r has one of some media types, in UTF-8 and not
// compressed.
func hasMedia(r *http.Request, types []string) bool {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	given := r.Header.Get("Content-Type")
	if slices.Contains(types, given) { // as nearly all say it
		return true
	}
	media, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	return err == nil && slices.Contains(types, media) && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// readFault is what is answered when a body could not be read.
func readFault(w http.ResponseWriter, err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case refuseBusy(w, err):
		return errBusy
	}
	return malformed("", "the body ended early; send it whole")
}

// readReason reads the body of a request that says nothing but why numbers are void.
func readReason(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return "", err
	}
	var void struct {
		Reason string `json:"reason"`
	}
	err = decode(body, &void)
	return void.Reason, err
}

// decodeDraft reads a draft strictly: one JSON object in valid UTF-8, no name
// twice, none unknown or in another case, no null, nothing after it.
func decodeDraft(body []byte) (document.Draft, error) {
	var d document.Draft
	err := decode(body, &d)
	return d, err
}

// decode reads one JSON object strictly into v; see decodeDraft.
func decode(body []byte, v any) error {
	odd := !evident(body)
	if odd {
		if err := scan(body); err != nil {
			return err
		}
	}
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err != nil && !odd {
		if first := scan(body); first != nil {
			return first
		}
	}
	if err != nil {
		return readError(err)
	}
	return nil
}

// digestOf is document.Digest of a body that was read strictly.
func digestOf(body []byte) ([32]byte, error) { return digestLast(slices.Clone(body)) }

// digestLast is digestOf a body that nobody needs any more.
func digestLast(body []byte) ([32]byte, error) {
	digest, err := document.DigestInPlace(body)
	if err != nil {
		return digest, malformed("", err.Error())
	}
	return digest, nil
}

// readError says in the words of the API what the decoder objected to.
func readError(err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		detail := "is no valid JSON: " + syntax.Err.Error()
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			detail = "is given twice"
		case errors.Is(err, io.ErrUnexpectedEOF):
			detail = "is no valid JSON: it ends early"
		}
		return malformed(string(syntax.JSONPointer), detail)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		detail := "has the wrong type; want a " + wanted(semantic)
		if errors.Is(err, json.ErrUnknownName) {
			detail = "is not a field here"
		}
		return malformed(string(semantic.JSONPointer), detail)
	}
	return malformed("", "is no valid JSON")
}

// wanted names the JSON type of the Go type that was to be filled.
func wanted(e *json.SemanticError) string {
	if e.GoType == nil {
		return "value of another type"
	}
	if e.GoType == reflect.TypeFor[invoices.Span]() {
		return `length of time in hours, minutes and seconds, such as "24h"`
	}
	switch e.GoType.Kind().String() {
	case "int", "int64":
		return "JSON number, a whole one"
	case "slice":
		return "JSON array"
	case "struct", "map", "ptr":
		return "JSON object"
	}
	return "JSON string (amounts, too, are strings)"
}
