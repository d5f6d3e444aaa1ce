package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices"
	"folio/invoices/document"
)

// twoLines is an invoice as most of them are.
const twoLines = `{"currency":"EUR","customer":{"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","locality":"London","country":"GB"}},` +
	`"lines":[{"description":"Translation, part 1","quantity":"1","unit":"h","unit_price":"80.50","tax":{"category":"S","rate":"19"}},` +
	`{"description":"Translation, part 2","quantity":"2","unit":"h","unit_price":"81.50","tax":{"category":"S","rate":"19"}}]}`

// storesNothing issues invoices that are kept nowhere.
type storesNothing struct{ *stub }

func (storesNothing) Issue(_ context.Context, r invoices.Request) (invoices.Issued, error) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
	draft, totals, err := document.Complete(r.Draft, now)
	return invoices.Issued{Invoice: invoices.Invoice{
		Kind: "invoice", ID: "inv_mfrwk3lbnruw45tpnfrwkzzsgaztmmrqgeztinjy", Status: "issued", Period: "2026", Number: 1,
		PrintedNumber: "INV-2026-000001", CreatedAt: now, Draft: draft, Totals: totals,
	}}, err
}

// again reads the same body each time.
type again struct{ bytes.Reader }

func (*again) Close() error { return nil }

// thrownAway is an answer that nobody reads.
type thrownAway struct {
	header http.Header
	code   int
}

func (w *thrownAway) Header() http.Header         { return w.header }
func (w *thrownAway) WriteHeader(code int)        { w.code = code }
func (w *thrownAway) Write(p []byte) (int, error) { return io.Discard.Write(p) }

// What a request costs from the router to the answer, without a server, a number, or a
// database.
func BenchmarkCreateInvoice(b *testing.B) {
	s := &stub{}
	h := New(Config{Issuer: storesNothing{s}, Keys: s, Registry: prometheus.NewRegistry()})
	body := new(again)
	req := httptest.NewRequest(http.MethodPost, "/v1/invoices", body)
	req.ContentLength = int64(len(twoLines))
	req.Header.Set("Authorization", "Bearer "+goodKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "order-1")
	w := &thrownAway{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(twoLines))
		req.Body = body
		clear(w.header)
		h.ServeHTTP(w, req)
		if w.code != http.StatusCreated {
			b.Fatal(w.code)
		}
	}
}
