package httpapi

import (
	"net/http"

	"github.com/gorilla/mux"

	"folio/invoices"
)

// cancelInvoice is POST /v1/invoices/{id}/cancel.
func (a *api) cancelInvoice(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	id, err := requestID(r)
	if err != nil {
		return err
	}
	body, err := readOptionalBody(w, r, maxBody)
	if err != nil {
		return err
	}
	wish := invoices.CancelRequest{Identity: who, ID: id, Invoice: mux.Vars(r)["id"]}
	if err := decode(body, &wish.Cancellation); err != nil {
		return err
	}
	if wish.Lines != nil && id == "" {
		return malformed("Idempotency-Key", "is required with lines: it tells a repeat from a wish to credit as much again")
	}
	if wish.Digest, err = digestOf(body); err != nil {
		return err
	}
	got, err := a.cfg.Issuer.Cancel(r.Context(), wish)
	if err != nil {
		return err
	}
	answerIssued(w, got)
	return nil
}
