package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"go.uber.org/goleak"

	"folio/invoices"
	"folio/invoices/document"
)

func TestMain(m *testing.M) {
	// To the contract these are texts; what they say is package render's to test.
	for _, media := range []string{mediaHTML, mediaXML, mediaCSV} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.PlainBodyDecoder)
	}
	goleak.VerifyTestMain(m)
}

const (
	goodKey  = "folio_live_good"
	otherKey = "folio_live_other"
)

// stub stands behind the API: it keeps invoices in memory and does what its
// error says.
type stub struct {
	mu     sync.Mutex
	tenant invoices.Tenant // of goodKey, once it was changed
	stored []invoices.Invoice
	byID   map[string]int // request ids
	err    error
	wait   chan struct{} // if set, Issue waits for it or for its context
	panics bool
	drafts []draftKept      // in the order in which they were made
	asked  invoices.Query   // by the last list
	scopes []invoices.Scope // of the good key; nil: all
	left   *int64           // told with every invoice
	series seriesStub
	books  booksStub

	waiting atomic.Int64 // how many have begun to wait
}

func (s *stub) Authenticate(_ context.Context, key string) (invoices.Identity, error) {
	switch key {
	case goodKey:
		scopes := invoices.AllScopes()
		if s.scopes != nil {
			scopes = s.scopes
		}
		return invoices.Identity{Tenant: "acme", Zone: time.UTC, KeyID: "key_1", Scopes: scopes}, nil
	case otherKey:
		return invoices.Identity{Tenant: "bolt", Zone: time.UTC, KeyID: "key_2", Scopes: invoices.AllScopes()}, nil
	}
	return scopedKey(key)
}

func (s *stub) Issue(ctx context.Context, r invoices.Request) (invoices.Issued, error) {
	if s.panics {
		panic("planted")
	}
	if s.wait != nil {
		s.waiting.Add(1)
		select {
		case <-s.wait:
		case <-ctx.Done():
			return invoices.Issued{}, fmt.Errorf("wait: %w", ctx.Err())
		}
	}
	if s.err != nil {
		return invoices.Issued{}, s.err
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
	draft, totals, err := document.Complete(r.Draft, now)
	if err != nil {
		return invoices.Issued{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, known := s.byID[r.ID]; known && r.ID != "" {
		return invoices.Issued{Invoice: s.stored[i], Replayed: true}, nil
	}
	n := int64(len(s.stored)) + 1
	inv := invoices.Invoice{Kind: "invoice", ID: "inv_" + strings.Repeat("a", int(n%20)+1), Status: "issued", Period: "2026", Number: n,
		PrintedNumber: fmt.Sprintf("INV-2026-%06d", n), CreatedAt: now, Draft: draft, Totals: totals}
	if s.byID == nil {
		s.byID = make(map[string]int)
	}
	s.byID[r.ID] = len(s.stored)
	s.stored = append(s.stored, inv)
	return invoices.Issued{Invoice: inv, RangeLeft: s.left}, nil
}

func (s *stub) Invoice(_ context.Context, tenant, id string) (invoices.Invoice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, inv := range s.stored {
		if inv.ID == id && tenant == "acme" {
			return inv, nil
		}
	}
	return invoices.Invoice{}, invoices.ErrNotFound
}

func (s *stub) List(_ context.Context, tenant string, q invoices.Query) (invoices.Page, error) {
	if q.Cursor == "bad" {
		return invoices.Page{}, &document.InvalidError{Fields: []document.FieldError{{Pointer: "cursor", Detail: "is none"}}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = q
	if tenant != "acme" || len(s.stored) == 0 {
		return invoices.Page{}, nil
	}
	if q.Limit == 1 && q.Cursor == "" {
		return invoices.Page{Invoices: s.stored[:1], NextCursor: "next&="}, nil
	}
	return invoices.Page{Invoices: s.stored}, nil
}

// edge is the API over a stub, every answer of which is held against the
// contract.
type edge struct {
	t       testing.TB
	stub    *stub
	handler http.Handler
	router  routers.Router
	doc     *openapi3.T
}

func newEdge(t testing.TB, cfg Config) *edge {
	t.Helper()
	s := &stub{}
	cfg.Issuer, cfg.Invoices, cfg.Keys, cfg.Numbers = s, s, s, s
	cfg.Drafts = s
	cfg.Series = &s.series
	cfg.Books = &s.books
	cfg.Tenants = s
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &edge{t: t, stub: s, handler: New(cfg), router: router, doc: doc}
}

// ask sends a request and checks the answer against the contract.
func (e *edge) ask(req *http.Request) *httptest.ResponseRecorder {
	e.t.Helper()
	rec := httptest.NewRecorder()
	e.handler.ServeHTTP(rec, req)
	if err := e.keepsContract(req, rec); err != nil {
		e.t.Errorf("%s %s answered %d: %v\n%s", req.Method, req.URL, rec.Code, err, rec.Body)
	}
	return rec
}

// keepsContract holds an answer against openapi.yaml. Answers to what the
// contract does not name (other paths and methods) must be problems.
func (e *edge) keepsContract(req *http.Request, rec *httptest.ResponseRecorder) error {
	if rec.Code >= 400 && rec.Header().Get("Content-Type") != "application/problem+json" {
		return fmt.Errorf("an error of type %q", rec.Header().Get("Content-Type"))
	}
	route, params, err := e.router.FindRoute(req)
	if err != nil {
		if rec.Code < 400 && req.Method != http.MethodHead && req.URL.Path != "/v1/openapi.yaml" {
			return fmt.Errorf("the contract has no such route: %w", err)
		}
		return nil
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: rec.Code, Header: rec.Header(),
		Body:    io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// allows reports whether the contract allows a request.
func (e *edge) allows(req *http.Request, body string) error {
	route, params, err := e.router.FindRoute(req)
	if err != nil {
		return err
	}
	req.Body = io.NopCloser(strings.NewReader(body))
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

func post(body string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/v1/invoices", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+goodKey)
	req.Header.Set("Content-Type", "application/json")
	return req
}

func get(target string) *http.Request {
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.Header.Set("Authorization", "Bearer "+goodKey)
	return req
}

const goodBody = `{"currency":"EUR","customer":{"name":"Ada"},"lines":[{"description":"x","quantity":"2","unit_price":"1.50","tax":{"category":"S","rate":"20"}}]}`

func TestTheGeneratedClientIsThatOfTheContract(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "client.gen.go")
	cmd := exec.Command("go", "tool", "-modfile=../../tools.mod", "oapi-codegen", "-config", "config.yaml", "-o", made, "../openapi.yaml")
	cmd.Dir = "client"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("client/client.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("client/client.gen.go is not what openapi.yaml gives; run make generate")
	}
}

func TestTheContractStatesTheLimitsOfTheCode(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		t.Fatal(err)
	}
	schema := func(path string) *openapi3.Schema {
		t.Helper()
		parts := strings.Split(path, ".")
		s := doc.Components.Schemas[parts[0]].Value
		for _, name := range parts[1:] {
			s = s.Properties[name].Value
		}
		return s
	}
	for path, want := range map[string]int{
		"Customer.name": document.MaxName, "Customer.email": document.MaxEmail, "Customer.tax_id": document.MaxTaxID,
		"Address.street": document.MaxStreet, "Address.locality": document.MaxLocality, "Address.region": document.MaxRegion,
		"Address.postal_code": document.MaxPostalCode, "Line.description": document.MaxDescription, "Line.unit": document.MaxUnit,
		"Adjustment.reason": document.MaxReason, "VoidWish.reason": document.MaxReason, "NumbersWish.reference": document.MaxReference, "Draft.note": document.MaxNote, "Draft.series": document.MaxSeriesName,
		"Party.name": document.MaxName, "Party.tax_id": document.MaxTaxID,
		"Tenant.legal_name": document.MaxName, "Tenant.tax_id": document.MaxTaxID,
		"TenantChange.legal_name": document.MaxName, "TenantChange.tax_id": document.MaxTaxID,
	} {
		if got := schema(path).MaxLength; got == nil || *got != uint64(want) {
			t.Errorf("%s: the contract allows %v characters, the code %d", path, got, want)
		}
	}
	for path, want := range map[string]int{
		"Draft.lines": document.MaxLines, "Draft.discounts": document.MaxAdjustments,
		"Draft.charges": document.MaxAdjustments, "Line.discounts": document.MaxAdjustments,
	} {
		if got := schema(path).MaxItems; got == nil || *got != uint64(want) {
			t.Errorf("%s: the contract allows %v entries, the code %d", path, got, want)
		}
	}
	if got := schema("Draft.metadata").MaxProps; got == nil || *got != document.MaxMetadata {
		t.Errorf("metadata: the contract allows %v keys, the code %d", got, document.MaxMetadata)
	}
	if got := schema("Draft.metadata").AdditionalProperties.Schema.Value.MaxLength; got == nil || *got != document.MaxValue {
		t.Errorf("metadata values: the contract allows %v characters, the code %d", got, document.MaxValue)
	}
	if got := schema("NumbersWish.count").Max; got == nil || *got != document.MaxNumbers {
		t.Errorf("numbers: the contract allows %v at once, the code %d", got, document.MaxNumbers)
	}
	if got := schema("Batch.invoices").MaxItems; got == nil || *got != maxBatch {
		t.Errorf("a batch: the contract allows %v documents, the code %d", got, maxBatch)
	}
	want := fmt.Sprintf(`^-?[0-9]{1,%d}(\.[0-9]{1,%d})?$`, document.MaxIntegerDigits, document.MaxFractionDigits)
	if got := schema("Decimal").Pattern; got != want {
		t.Errorf("decimals: the contract has %s, the code %s", got, want)
	}
}
