package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"folio/invoices"
)

// Series keeps the series of tenants; see invoices.SeriesBook.
type Series interface {
	List(ctx context.Context, tenant string) ([]invoices.Series, error)
	Find(ctx context.Context, tenant, name string) (invoices.Series, error)
	Put(ctx context.Context, s invoices.Series) (put invoices.Series, made bool, err error)
	Unused(ctx context.Context, who invoices.Identity, name string, period *string) (invoices.Unused, error)
	VoidUnused(ctx context.Context, who invoices.Identity, name string, period *string, reason string) (invoices.VoidRest, error)
}

// seriesList is the answer of GET /v1/series.
type seriesList struct {
	Series []invoices.Series `json:"series"`
}

// routeSeries registers what there is about series and their numbers.
func (a *api) routeSeries(router *mux.Router) {
	a.route(router, "/v1/series", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.listSeries)})
	a.route(router, "/v1/series/{name}", methods{
		http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.getSeries),
		http.MethodPut: a.tenantOnly(invoices.SeriesWrite, a.putSeries),
	})
	a.route(router, "/v1/series/{name}/unused", methods{http.MethodGet: a.tenantOnly(invoices.InvoicesRead, a.listUnused)})
	a.route(router, "/v1/series/{name}/unused/void", methods{http.MethodPost: a.tenantOnly(invoices.SeriesWrite, a.voidUnused)})
	a.route(router, "/v1/series/{name}/numbers/{number}/void", methods{http.MethodPost: a.tenantOnly(invoices.InvoicesWrite, a.voidNumber)})
}

// listSeries is GET /v1/series.
func (a *api) listSeries(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	all, err := a.cfg.Series.List(r.Context(), who.Tenant)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, seriesList{Series: all})
	return nil
}

// getSeries is GET /v1/series/{name}.
func (a *api) getSeries(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	s, err := a.cfg.Series.Find(r.Context(), who.Tenant, mux.Vars(r)["name"])
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, s)
	return nil
}

// putSeries is PUT /v1/series/{name}: what the body leaves out has its default,
// whatever it was before.
func (a *api) putSeries(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	name := mux.Vars(r)["name"]
	s := invoices.NewSeries(who.Tenant, name)
	if err := decode(body, &s); err != nil {
		return err
	}
	if s.Name != name {
		return malformed("/name", fmt.Sprintf("is %q, and the path says %q; leave it out", s.Name, name))
	}
	put, made, err := a.cfg.Series.Put(r.Context(), s)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
		w.Header().Set("Location", "/v1/series/"+name)
	}
	writeJSON(w, "application/json", status, put)
	return nil
}

// listUnused is GET /v1/series/{name}/unused.
func (a *api) listUnused(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	period, err := periodParameter(r)
	if err != nil {
		return err
	}
	left, err := a.cfg.Series.Unused(r.Context(), who, mux.Vars(r)["name"], period)
	if err != nil {
		return asMalformed(err)
	}
	writeJSON(w, "application/json", http.StatusOK, left)
	return nil
}

// voidUnused is POST /v1/series/{name}/unused/void.
func (a *api) voidUnused(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	period, err := periodParameter(r)
	if err != nil {
		return err
	}
	reason, err := readReason(w, r)
	if err != nil {
		return err
	}
	rest, err := a.cfg.Series.VoidUnused(r.Context(), who, mux.Vars(r)["name"], period, reason)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, rest)
	return nil
}

// periodParameter reads a request's only parameter, its period; nil if it is
// absent.
func periodParameter(r *http.Request) (*string, error) {
	values, err := parameters(r, "period")
	if err != nil {
		return nil, err
	}
	return periodOf(values)
}

// tellLeft warns of a range that is nearly used up.
func tellLeft(w http.ResponseWriter, left *int64) {
	if left != nil {
		w.Header().Set("Folio-Range-Left", strconv.FormatInt(*left, 10))
	}
}
