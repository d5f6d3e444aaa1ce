package httpapi

import (
	"net/http"

	"github.com/gorilla/mux"
)

// front answers the busiest route of all itself; the router answers the others, and would
// answer it in the same way. The router copies each request twice, to note its route and
// what was found in its path, of which this route has nothing.
type front struct {
	*mux.Router
	create http.Handler // POST /v1/invoices
}

const createPath = "/v1/invoices"

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == createPath && r.URL.RawPath == "" {
		f.create.ServeHTTP(w, r)
		return
	}
	f.Router.ServeHTTP(w, r)
}
