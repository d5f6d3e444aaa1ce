package httpapi

import (
	"net/http"

	"folio/invoices"
	"folio/invoices/document"
)

// createInvoice is POST /v1/invoices.
func (a *api) createInvoice(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	id, err := requestID(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	draft, err := decodeDraft(body)
	if err != nil {
		return err
	}
	digest, err := document.Digest(body)
	if err != nil {
		return malformed("", err.Error())
	}
	got, err := a.cfg.Issuer.Issue(r.Context(), invoices.Request{Identity: who, ID: id, Digest: digest, Draft: draft})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/invoices/"+got.Invoice.ID)
	status := http.StatusCreated
	if got.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
		status = http.StatusOK
	}
	writeJSON(w, "application/json", status, got.Invoice)
	return nil
}
