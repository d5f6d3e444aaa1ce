package httpapi

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"folio/invoices"
)

// Numbers takes and voids numbers of documents that live elsewhere; see
// invoices.Issuer.
type Numbers interface {
	TakeNumbers(ctx context.Context, r invoices.NumbersRequest) (invoices.ExternalNumbers, error)
	VoidExternal(ctx context.Context, who invoices.Identity, name, period string, number int64, reason string) (invoices.Annulment, error)
}

// takeNumbers is POST /v1/series/{name}/numbers.
func (a *api) takeNumbers(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	id, err := requestID(r)
	if err != nil {
		return err
	}
	if id == "" {
		return malformed("Idempotency-Key", "is required: without it numbers would be lost with a lost answer")
	}
	var wish struct {
		Count     int    `json:"count"`
		IssueDate string `json:"issue_date"`
		Reference string `json:"reference"`
	}
	var digest [32]byte
	err = a.readBriefly(w, r, maxBody, func(body []byte) (err error) {
		if err = decode(body, &wish); err != nil {
			return err
		}
		digest, err = digestLast(body)
		return err
	})
	if err != nil {
		return err
	}
	name := mux.Vars(r)["name"]
	got, err := a.cfg.Numbers.TakeNumbers(r.Context(), invoices.NumbersRequest{
		Identity: who, ID: id, Digest: sha256.Sum256(append(digest[:], name...)),
		Series: name, Count: wish.Count, IssueDate: wish.IssueDate, Reference: wish.Reference,
	})
	if err != nil {
		return err
	}
	tellLeft(w, got.RangeLeft)
	writeMade(w, got.Replayed, got)
	return nil
}

// voidNumber is POST /v1/series/{name}/numbers/{number}/void.
func (a *api) voidNumber(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	values, err := parameters(r, "period")
	if err != nil {
		return err
	}
	period, err := periodOf(values)
	if err == nil && period == nil {
		err = malformed("period", `is required; "-" for a series that never restarts`)
	}
	if err != nil {
		return err
	}
	reason, err := readReason(w, r)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(mux.Vars(r)["number"], 10, 64)
	if err != nil {
		return invoices.ErrNotFound
	}
	got, err := a.cfg.Numbers.VoidExternal(r.Context(), who, mux.Vars(r)["name"], *period, n, reason)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, got)
	return nil
}

// writeMade answers a request that makes something: 201, or 200 if the same
// request made it before.
func writeMade(w http.ResponseWriter, replayed bool, made any) {
	status := http.StatusCreated
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
		status = http.StatusOK
	}
	writeJSON(w, "application/json", status, made)
}
