package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"folio/counter"
	"folio/counter/countertest"
	"folio/internal/devcluster/postgres"
	"folio/invoices"
	"folio/invoices/document"
)

// canary is a tenant of the real thing, whose every text bears a token that
// nobody else has.
type canary struct {
	name, token, key string
	id, cursor       string // of an invoice, and of a page of its list
	draft            string // id of a draft
}

// idOf is the id of what the path is about.
func (c *canary) idOf(path string) string {
	if strings.HasPrefix(path, "/v1/drafts") {
		return c.draft
	}
	return c.id
}

// aviary is the API over a real Postgres, with what it says and logs.
type aviary struct {
	t       *testing.T
	handler http.Handler
	doc     *openapi3.T
	db      *invoices.DB
	issuer  *invoices.Issuer
	log     lockedBuffer
	metrics *prometheus.Registry
}

// lockedBuffer may be written by several at once.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newAviary(t *testing.T) *aviary {
	t.Helper()
	server, end, err := postgres.ForTests()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	db, err := invoices.Open(invoices.DBConfig{URL: server.URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := &aviary{t: t, db: db, metrics: prometheus.NewRegistry()}
	a.doc, err = openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store := &countertest.Mem{}
	numbers := &counter.Allocator{Config: counter.Config{Store: store, Owner: &invoices.Owner{DB: db}, Pod: "test", Log: log}}
	writer := invoices.NewWriter(invoices.WriterConfig{DB: db, Numbers: numbers, Log: log})
	running, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = writer.Run(running) })
	parts.Go(func() { _ = numbers.Run(running) })
	t.Cleanup(func() { stop(); parts.Wait() })
	a.issuer = &invoices.Issuer{DB: db, Numbers: numbers, Writer: writer}
	a.handler = New(Config{
		Issuer: a.issuer, Numbers: a.issuer, Drafts: a.issuer, Series: &invoices.SeriesBook{DB: db, Ledgers: store, Numbers: numbers},
		Books:    &invoices.Books{DB: db, Ledgers: store},
		Invoices: db, Tenants: db, Keys: &invoices.Keys{DB: db}, Log: log, Registry: a.metrics,
	})
	return a
}

// ask sends a request and returns all that is answered.
func (a *aviary) ask(key, method, target, idempotencyKey, body string) (status int, answer string) {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if idempotencyKey != "" {
		req.Header.Set("Idempotency-Key", idempotencyKey)
	}
	rec := httptest.NewRecorder()
	a.handler.ServeHTTP(rec, req)
	rec.Header().Del("X-Request-Id")
	return rec.Code, fmt.Sprint(rec.Header(), rec.Body.String())
}

const sharedKey = "order-1" // an idempotency key that both tenants use

// hatch makes a tenant that has something of everything.
func (a *aviary) hatch(name string) *canary {
	a.t.Helper()
	c := &canary{name: name, token: "canary-" + uuid.NewString()}
	_, _, key, err := a.db.CreateTenant(a.t.Context(), invoices.Tenant{
		Name: name, LegalName: c.token, TaxID: c.token, DefaultCurrency: "EUR",
		Address: &document.Address{Street: c.token, Locality: c.token},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	c.key = key
	for i := range 3 {
		status, answer := a.ask(c.key, http.MethodPost, "/v1/invoices", fmt.Sprint("order-", i), c.body())
		if status != http.StatusCreated {
			a.t.Fatalf("%d %s", status, answer)
		}
	}
	page, err := a.db.List(a.t.Context(), name, invoices.Query{Limit: 1})
	if err != nil || len(page.Invoices) != 1 || page.NextCursor == "" {
		a.t.Fatalf("%+v, %v", page, err)
	}
	c.id, c.cursor = page.Invoices[0].ID, page.NextCursor
	if status, answer := a.ask(c.key, http.MethodPost, "/v1/drafts", "draft-1", c.body()); status != http.StatusCreated {
		a.t.Fatalf("%d %s", status, answer)
	}
	if status, answer := a.ask(c.key, http.MethodPost, "/v1/invoices/"+page.Invoices[0].ID+"/cancel", "", `{"reason":"`+c.token+`"}`); status != http.StatusCreated {
		a.t.Fatalf("%d %s", status, answer)
	}
	drafts, err := a.issuer.ListDrafts(a.t.Context(), name, 1, "")
	if err != nil || len(drafts.Drafts) != 1 {
		a.t.Fatalf("%+v, %v", drafts, err)
	}
	c.draft = drafts.Drafts[0].ID
	if status, answer := a.ask(c.key, http.MethodPost, "/v1/series/invoice/numbers", sharedKey+"-numbers",
		`{"count":2,"issue_date":"2026-01-01","reference":"`+c.token+`"}`); status != http.StatusCreated {
		a.t.Fatalf("%d %s", status, answer)
	}
	return c
}

func (c *canary) body() string {
	return `{"customer":{"name":"` + c.token + `","tax_id":"` + c.token + `"},"note":"` + c.token + `","metadata":{"k":"` + c.token + `"},` +
		`"lines":[{"description":"` + c.token + `","quantity":"1","unit_price":"1","tax":{"category":"Z"}}]}`
}

// lures are the requests of one operation that name what is of's: by its ids and
// cursors in path and query, one query parameter at a time, and each beside the
// series and the period that some need.
func (a *aviary) lures(path string, op *openapi3.Operation, of *canary) (targets []string) {
	target := strings.NewReplacer("{id}", of.idOf(path), "{name}", "invoice", "{number}", "1").Replace(path)
	target = placeholder.ReplaceAllString(target, of.id)
	cursor := of.cursor
	if strings.HasPrefix(path, "/v1/drafts") {
		cursor = "dft_" + strings.Repeat("0", 26) // before all
	}
	must := url.Values{}
	one := []url.Values{{}}
	for _, ref := range op.Parameters {
		p := ref.Value
		value, known := map[string]string{
			"cursor": cursor, "number": "1", "kind": "credit_note", "created_from": "2020-01-01T00:00:00Z", "issue_date_from": "2020-01-01", "series": "invoice", "period": "2026", "format": "html", "limit": "100", "request_id": sharedKey,
			"printed_number": "INV-2026-000001", "customer_name": of.token, "customer_tax_id": of.token, "status": "issued",
		}[p.Name]
		switch {
		case p.In != "query" || !known:
		case p.Required:
			must.Set(p.Name, value)
		default:
			one = append(one, url.Values{p.Name: {value}})
			if op.Parameters.GetByInAndName("query", "series") != nil {
				one = append(one, url.Values{"series": {"invoice"}, "period": {"2026"}, p.Name: {value}})
			}
		}
	}
	for _, values := range one {
		for name := range must {
			values.Set(name, must.Get(name))
		}
		targets = append(targets, target+"?"+values.Encode())
	}
	return targets
}

// Two tenants, each route: whatever one asks for, by the other's ids, cursors,
// numbers and idempotency keys, no answer has anything of the other. What is asked
// for by a text of the other's may come back in an answer's own words, so the
// asker's address is taken out before the token is looked for.
func TestNoAnswerHasAnythingOfAnotherTenant(t *testing.T) {
	a := newAviary(t)
	cat, bird := a.hatch("cat"), a.hatch("bird")
	caught := make(map[string]bool)
	operations := 0
	for path, item := range a.doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations++
			for _, target := range a.lures(path, op, bird) {
				for _, body := range []string{
					`{}`, cat.body(), `{"reason":"x"}`, `{"count":2,"issue_date":"2026-01-01"}`,
					`{"invoices":[{"request_id":"` + sharedKey + `",` + cat.body()[1:] + `]}`,
				} {
					_, answer := a.ask(cat.key, method, target, sharedKey, body)
					answer = strings.ReplaceAll(answer, strings.SplitAfter(target, "?")[1], "")
					for _, secret := range []string{bird.token, bird.key, `"bird"`} {
						if strings.Contains(answer, secret) {
							t.Errorf("%s %s of another tenant answers %s", method, target, answer)
						}
					}
				}
				if method != http.MethodGet {
					continue
				}
				// The teeth: its owner does get it.
				if _, answer := a.ask(bird.key, method, target, "", ``); strings.Contains(answer, bird.token) {
					caught[path] = true
				}
			}
		}
	}
	for _, path := range []string{"/v1/tenant", "/v1/invoices", "/v1/invoices/{id}", "/v1/drafts", "/v1/drafts/{id}", "/v1/series/{name}/register"} {
		if !caught[path] {
			t.Errorf("GET %s shows its owner nothing to look for: the test shows nothing", path)
		}
	}
	a.nothingIsTold(cat, bird)
	t.Logf("%d operations", operations)
}

// nothingIsTold looks for what tenants wrote, and for their keys, in the log and
// in the metrics.
func (a *aviary) nothingIsTold(birds ...*canary) {
	a.t.Helper()
	families, err := a.metrics.Gather()
	if err != nil || len(families) == 0 {
		a.t.Errorf("%d metrics, %v", len(families), err)
	}
	told := a.log.String() + fmt.Sprint(families)
	for _, c := range birds {
		if strings.Contains(told, c.token) || strings.Contains(told, c.key) {
			a.t.Errorf("the log or the metrics have a text or a key of %s", c.name)
		}
	}
}

// nobodys is an id that there could be, of what the path is about.
func nobodys(path string) string {
	if strings.HasPrefix(path, "/v1/drafts") {
		return "dft_" + strings.Repeat("0", 26)
	}
	return "inv_aaaa"
}

// That a thing is another tenant's is not told apart from that there is none.
func TestAnotherTenantsThingIsNotThere(t *testing.T) {
	a := newAviary(t)
	cat, bird := a.hatch("cat"), a.hatch("bird")
	for path, item := range a.doc.Paths.Map() {
		if !strings.Contains(path, "{id}") {
			continue
		}
		for method := range item.Operations() {
			at := func(id string) (int, string) {
				return a.ask(cat.key, method, strings.ReplaceAll(path, "{id}", id), "", `{}`)
			}
			gotStatus, got := at(bird.idOf(path))
			wantStatus, want := at(nobodys(path))
			if gotStatus != wantStatus || got != want || gotStatus < 400 {
				t.Errorf("%s %s of another tenant: %d %s; of nobody: %d %s", method, path, gotStatus, got, wantStatus, want)
			}
		}
	}
	status, answer := a.ask(cat.key, http.MethodPost, "/v1/invoices", "order-9", cat.body())
	if status != http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := a.ask(bird.key, http.MethodPost, "/v1/invoices", "order-9", cat.body()); status != http.StatusCreated {
		t.Errorf("the idempotency key of another tenant: %d %s", status, answer)
	}
}
