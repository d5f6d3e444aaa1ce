package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/gorilla/mux"

	"folio/httpapi/render"
	"folio/invoices"
)

// The media types that an invoice is shown in.
const (
	mediaJSON = "application/json"
	mediaHTML = "text/html"
	mediaXML  = "application/xml"
)

// pagePolicy is what a page of ours may do: nothing but look as it says itself.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// getInvoice is GET /v1/invoices/{id}: as JSON, as a page for people, or as UBL.
func (a *api) getInvoice(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	w.Header().Set("Vary", "Accept")
	media, ok := accepted(r, mediaJSON, mediaHTML, mediaXML)
	if !ok {
		return errNotAcceptable
	}
	inv, err := a.cfg.Invoices.Invoice(r.Context(), who.Tenant, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	var body bytes.Buffer
	switch media {
	case mediaHTML:
		// The page holds what customers wrote: whatever it is, it runs nothing.
		w.Header().Set("Content-Security-Policy", pagePolicy)
		err = render.HTML(&body, inv)
	case mediaXML:
		err = render.UBL(&body, inv)
	default:
		if err = json.MarshalWrite(&body, inv); err == nil {
			body.WriteByte('\n')
		}
	}
	if err != nil {
		return err
	}
	show(w, r, media, body.Bytes())
	return nil
}

// show sends a representation, unless the client has it already.
func show(w http.ResponseWriter, r *http.Request, media string, body []byte) {
	tag := entityTag(body)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if media != mediaJSON {
		media += "; charset=utf-8"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // a client that left needs no answer
}

// entityTag is a strong validator (RFC 9110, section 8.8.3): equal only for equal
// bytes.
func entityTag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matches reports whether If-None-Match names tag; it compares weakly (RFC 9110,
// section 13.1.2).
func matches(values []string, tag string) bool {
	for given := range strings.SplitSeq(strings.Join(values, ","), ",") {
		given = strings.TrimSpace(given)
		if given == "*" || strings.TrimPrefix(given, "W/") == tag {
			return true
		}
	}
	return false
}
