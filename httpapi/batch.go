package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"folio/invoices"
	"folio/invoices/document"
)

const (
	maxBatch     = 500
	maxBatchBody = 8 << 20

	// batchesAtOnce bounds the batches of one tenant under way in this replica:
	// each may be as large as many single requests.
	batchesAtOnce = 16
)

// batchResult is what became of one document of a batch: an invoice or a problem,
// with the status that a request of its own would have got.
type batchResult struct {
	RequestID string            `json:"request_id"`
	Status    int               `json:"status"`
	Invoice   *invoices.Invoice `json:"invoice,omitzero"`
	Problem   *problem          `json:"problem,omitzero"`

	left *int64 // of a range that is nearly used up
}

// createBatch is POST /v1/invoices/batch. Each document is a request of its own:
// one that is bad, or of which nobody can say what became of it, leaves the others
// as they are.
func (a *api) createBatch(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	if !a.batches.begin(who.Tenant) {
		return errFlood
	}
	defer a.batches.end(who.Tenant)
	var items []jsontext.Value
	err := a.readBriefly(w, r, maxBatchBody, func(body []byte) (err error) {
		items, err = decodeBatch(body)
		return err
	})
	if err != nil {
		return err
	}
	results := make([]batchResult, len(items))
	var issuing sync.WaitGroup
	for i, item := range items {
		issuing.Go(func() { results[i] = a.issueItem(r.Context(), who, item) })
	}
	issuing.Wait()
	a.logFaults(r, w.Header().Get("X-Request-Id"), results)
	tellLeft(w, leastLeft(results))
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"results": results})
	return nil
}

// decodeBatch reads the frame of a batch; its documents, which are copied, are read one
// by one, each for itself.
func decodeBatch(body []byte) ([]jsontext.Value, error) {
	var batch struct {
		Invoices documents `json:"invoices"`
	}
	if err := json.Unmarshal(body, &batch, json.RejectUnknownMembers(true)); err != nil {
		return nil, readError(err)
	}
	if n := batch.Invoices.count; n < 1 || n > maxBatch {
		return nil, malformed("/invoices", fmt.Sprintf("has %d documents; want 1 to %d", n, maxBatch))
	}
	return batch.Invoices.kept, nil
}

// documents are those of a batch. Of more than it may have only the count is kept.
type documents struct {
	kept  []jsontext.Value
	count int
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (d *documents) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, &d.kept)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for ; dec.PeekKind() != ']'; d.count++ {
		if d.count >= maxBatch {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		d.kept = append(d.kept, value.Clone())
	}
	_, err := dec.ReadToken()
	return err
}

// issueItem issues one document of a batch.
func (a *api) issueItem(ctx context.Context, who invoices.Identity, item jsontext.Value) batchResult {
	id, draft, digest, err := decodeItem(item)
	if err != nil {
		return failedItem(id, err)
	}
	got, err := a.issueGuarded(ctx, invoices.Request{Identity: who, ID: id, Digest: digest, Draft: draft})
	if err != nil {
		return failedItem(id, err)
	}
	status := http.StatusCreated
	if got.Replayed {
		status = http.StatusOK
	}
	return batchResult{RequestID: id, Status: status, Invoice: &got.Invoice, left: got.RangeLeft}
}

// leastLeft is what a batch warns of: the least that any of its documents does.
func leastLeft(results []batchResult) (least *int64) {
	for _, r := range results {
		if r.left != nil && (least == nil || *r.left < *least) {
			least = r.left
		}
	}
	return least
}

func failedItem(id string, err error) batchResult {
	p := problemOf(err)
	p.cause = err
	return batchResult{RequestID: id, Status: p.Status, Problem: &p}
}

// decodeItem reads one document: its request id, and the draft as it would stand
// alone. The digest is that of the draft, so that the same draft sent alone with
// its request id as Idempotency-Key is the same request.
func decodeItem(item jsontext.Value) (id string, d document.Draft, digest [32]byte, err error) {
	if item.Kind() != '{' {
		return "", d, digest, malformed("", "has the wrong type; want a JSON object")
	}
	given, alone, err := cutMember(item, "request_id")
	if err != nil {
		return "", d, digest, readError(err)
	}
	if given == nil {
		return "", d, digest, malformed("/request_id", "is required: each document of a batch is a request of its own")
	}
	if err := json.Unmarshal(given, &id); err != nil || given.Kind() != '"' {
		return "", d, digest, malformed("/request_id", "has the wrong type; want a JSON string")
	}
	if err := checkRequestID("/request_id", id); err != nil {
		return "", d, digest, err
	}
	if d, err = decodeDraft(alone); err != nil {
		return id, d, digest, err
	}
	digest, err = digestLast(alone)
	return id, d, digest, err
}

// cutMember returns a member's value in an object, nil if it has none, and the text of
// the object without that member, or all of it. The object was read before, so that it
// is valid and has each name once.
func cutMember(object jsontext.Value, name string) (value, rest jsontext.Value, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true)) // as it was read before
	if _, err := dec.ReadToken(); err != nil {
		return nil, nil, err
	}
	for dec.PeekKind() != '}' {
		from := dec.InputOffset() // behind the brace or the member before
		token, err := dec.ReadToken()
		if err != nil {
			return nil, nil, err
		}
		found := token.String() == name
		text, err := dec.ReadValue()
		if err != nil {
			return nil, nil, err
		}
		if found {
			return text, without(object, from, dec.InputOffset()), nil
		}
	}
	return nil, object, nil
}

// without returns an object's text, copied, without a member, which begins where what is
// before it ends.
func without(object jsontext.Value, from, to int64) jsontext.Value {
	before, after := object[:from], object[to:]
	if from == int64(len("{")) { // it is the first: the comma behind it goes with it
		after = bytes.TrimPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte(","))
	}
	return slices.Concat(before, after)
}

// issueGuarded keeps a panic from ending the process, as guarded does for a
// request's own goroutine.
func (a *api) issueGuarded(ctx context.Context, r invoices.Request) (got invoices.Issued, err error) {
	defer recovered(&err)
	return a.cfg.Issuer.Issue(ctx, r)
}

// logFaults logs what is nobody's fault but ours: the batch itself is answered
// with 200.
func (a *api) logFaults(r *http.Request, id string, results []batchResult) {
	for _, item := range results {
		if p := item.Problem; p != nil && p.Status >= http.StatusInternalServerError {
			a.cfg.Log.Error("document of a batch failed", "method", r.Method, "status", p.Status, "request", id, "request_id", item.RequestID, "error", p.cause)
		}
	}
}
