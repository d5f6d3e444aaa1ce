package httpapi

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"folio/invoices"
)

const scopedPrefix = "folio_live_scoped:"

// scopedKey is a key of acme with the scopes that its text lists.
func scopedKey(key string) (invoices.Identity, error) {
	words, ok := strings.CutPrefix(key, scopedPrefix)
	if !ok {
		return invoices.Identity{}, invoices.ErrUnauthorized
	}
	who := invoices.Identity{Tenant: "acme", KeyID: "key_scoped"}
	for _, word := range strings.Split(words, ",") {
		who.Scopes = append(who.Scopes, invoices.Scope(word))
	}
	return who, nil
}

// operation is a method of a path of the contract, and the scope it states.
type operation struct{ method, path, scope string }

// operations are those of the contract.
func (e *edge) operations() (all []operation) {
	e.t.Helper()
	for path, item := range e.doc.Paths.Map() {
		for method, op := range item.Operations() {
			scope, _ := op.Extensions["x-scope"].(string)
			all = append(all, operation{method, path, scope})
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func (o operation) request(key string) *http.Request {
	req := httptest.NewRequest(o.method, placeholder.ReplaceAllString(o.path, "1"), strings.NewReader(`{}`))
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	return req
}

func TestEveryRouteNeedsTheScopeThatTheContractStates(t *testing.T) {
	e := newEdge(t, Config{})
	checked := 0
	for _, o := range e.operations() {
		known := false
		for _, scope := range invoices.AllScopes() {
			got := e.ask(o.request(scopedPrefix + string(scope)))
			switch {
			case string(scope) == o.scope:
				known = true
				if got.Code == http.StatusForbidden || got.Code == http.StatusUnauthorized {
					t.Errorf("%s %s with %s: %d", o.method, o.path, scope, got.Code)
				}
			case got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), `"urn:folio:problem:forbidden"`):
				t.Errorf("%s %s with nothing but %s: %d %s, want 403", o.method, o.path, scope, got.Code, got.Body)
			}
			checked++
		}
		if !known {
			t.Errorf("%s %s: the contract states no x-scope", o.method, o.path)
		}
		if got := e.ask(o.request(scopedPrefix)); got.Code != http.StatusForbidden {
			t.Errorf("%s %s without a scope: %d", o.method, o.path, got.Code)
		}
		if got := e.ask(o.request("folio_live_x")); got.Code != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: %d", o.method, o.path, got.Code)
		}
	}
	if checked == 0 {
		t.Error("nothing was checked")
	}
}

// A route that the contract lacks would be held against nothing.
func TestEveryRouteIsInTheContract(t *testing.T) {
	e := newEdge(t, Config{})
	stated := make(map[string]bool)
	for _, o := range e.operations() {
		stated[o.method+" "+o.path] = true
	}
	routes := 0
	err := e.handler.(*front).Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, _ := route.GetMethods() // none: the answer to all others
		for _, method := range methods {
			routes++
			if method != http.MethodHead && path != "/v1/openapi.yaml" && !stated[method+" "+path] {
				t.Errorf("%s %s is not in the contract", method, path)
			}
		}
		return nil
	})
	if err != nil || routes < 4 {
		t.Errorf("%d routes, %v", routes, err)
	}
}
