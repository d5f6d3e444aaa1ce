package httpapi

import (
	"net/http"

	"folio/invoices"
)

// createInvoice is POST /v1/invoices.
func (a *api) createInvoice(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	id, err := requestID(r)
	if err != nil {
		return err
	}
	wish := invoices.Request{Identity: who, ID: id}
	err = a.readBriefly(w, r, maxBody, func(body []byte) (err error) {
		if wish.Draft, err = decodeDraft(body); err != nil {
			return err
		}
		wish.Digest, err = digestLast(body)
		return err
	})
	if err != nil {
		return err
	}
	got, err := a.cfg.Issuer.Issue(r.Context(), wish)
	if err != nil {
		return err
	}
	answerIssued(w, got)
	return nil
}

// answerIssued shows a document that was issued, now or earlier.
func answerIssued(w http.ResponseWriter, got invoices.Issued) {
	w.Header().Set("Location", "/v1/invoices/"+got.Invoice.ID)
	tellLeft(w, got.RangeLeft)
	writeMade(w, got.Replayed, got.Invoice)
}
