package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"folio/invoices"
)

// Issuer issues invoices; see invoices.Issuer.
type Issuer interface {
	Issue(ctx context.Context, r invoices.Request) (invoices.Issued, error)
	Cancel(ctx context.Context, r invoices.CancelRequest) (invoices.Issued, error)
}

// Invoices reads invoices; see invoices.DB.
type Invoices interface {
	Invoice(ctx context.Context, tenant, id string) (invoices.Invoice, error)
	List(ctx context.Context, tenant string, q invoices.Query) (invoices.Page, error)
}

// Keys tells whom an API key speaks for; see invoices.Keys.
type Keys interface {
	Authenticate(ctx context.Context, apiKey string) (invoices.Identity, error)
}

// Config says what stands behind the API. Issuer, Invoices, Drafts, Tenants, Keys,
// Numbers, Series and Books are required; zero fields have defaults.
type Config struct {
	Issuer   Issuer
	Invoices Invoices
	Drafts   Drafts
	Tenants  Tenants
	Keys     Keys
	Numbers  Numbers
	Series   Series
	Books    Books

	MaxInFlight    int                   // requests of one tenant at a time; beyond it 429; 0: 1,000
	Bodies         int64                 // bytes of all bodies at a time; beyond it 503; 0: 128 MiB
	RequestTimeout time.Duration         // bounds the work of a request, once its body is read; 0: ten seconds
	Log            *slog.Logger          // nil: none
	Registry       prometheus.Registerer // nil: no metrics
	Tracer         trace.Tracer          // nil: no traces
}

// api is the public API.
type api struct {
	cfg     Config
	flights flights // requests
	batches flights
	// registers are those being written, statements those being made.
	registers, statements flights
	bodies                bodies
	buffers               buffers
	metrics               *metrics
}

// New returns the handler of the public API.
func New(cfg Config) http.Handler {
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = 1000
	}
	if cfg.Bodies <= 0 {
		cfg.Bodies = 128 << 20
	}
	if cfg.RequestTimeout <= 0 {
		cfg.RequestTimeout = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &api{cfg: cfg}
	a.bodies.share(cfg.Bodies)
	a.metrics = newMetrics(cfg.Registry, a.bodies.held)
	a.flights.max, a.batches.max, a.registers.max, a.statements.max = cfg.MaxInFlight, batchesAtOnce, registersAtOnce, statementsAtOnce

	// SkipClean: a path with // is another path, not a redirect, which would
	// turn a POST into a GET. UseEncodedPath: %2F in an id stays in the id.
	// It tries one route after the other: what is asked for most comes first.
	router := mux.NewRouter().SkipClean(true).UseEncodedPath()
	create := a.tenantOnly(invoices.InvoicesWrite, a.createInvoice)
	a.route(router, createPath, methods{
		http.MethodPost: create,
		http.MethodGet:  a.tenantOnly(invoices.InvoicesRead, a.listInvoices),
	})
	a.route(router, "/v1/invoices/batch", methods{http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.createBatch)})
	a.route(router, "/v1/series/{name}/numbers", methods{http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.takeNumbers)})
	a.route(router, "/v1/invoices/{id}", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.getInvoice)})
	a.route(router, "/v1/invoices/{id}/cancel", methods{http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.cancelInvoice)})
	a.routeDrafts(router)
	a.routeSeries(router)
	a.routeBooks(router)
	a.route(router, "/v1/tenant", methods{
		http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.getTenant),
		http.MethodPut: a.tenantOnly(invoices.SeriesWrite, a.putTenant),
	})
	a.route(router, "/v1/openapi.yaml", methods{http.MethodGet: plain(serveContract)})
	router.NotFoundHandler = a.wrap("none", func(http.ResponseWriter, *http.Request) error { return errNoRoute })
	return &front{Router: router, create: a.wrap(createPath, create)}
}

// handler is a handler that may fail; its error becomes a problem in one place.
type handler func(w http.ResponseWriter, r *http.Request) error

// methods are the handlers of one path.
type methods map[string]handler

// route registers a path. HEAD is answered wherever GET is; other methods get a
// problem that lists those there are.
func (a *api) route(router *mux.Router, path string, m methods) {
	if get, ok := m[http.MethodGet]; ok {
		m[http.MethodHead] = get
	}
	for method, h := range m {
		router.Handle(path, a.wrap(path, h)).Methods(method)
	}
	allow := m.allow()
	router.Handle(path, a.wrap(path, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		return errMethod
	}))
}

func plain(h http.HandlerFunc) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h(w, r)
		return nil
	}
}
