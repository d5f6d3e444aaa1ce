package httpapi

import (
	"net/http"
	"strings"
	"sync"

	"folio/invoices"
)

// tenantHandler is a handler of a request whose tenant is known.
type tenantHandler func(w http.ResponseWriter, r *http.Request, who invoices.Identity) error

// tenantOnly finds the tenant by the API key, which must have the scope that the
// handler needs, and bounds how much of this replica one tenant can take.
func (a *api) tenantOnly(scope invoices.Scope, h tenantHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		key, ok := bearer(r)
		if !ok {
			return invoices.ErrUnauthorized
		}
		who, err := a.cfg.Keys.Authenticate(r.Context(), key)
		if err != nil {
			return err
		}
		if !who.May(scope) {
			return errScope
		}
		if !a.flights.begin(who.Tenant) {
			return errFlood
		}
		defer a.flights.end(who.Tenant)
		return h(w, r, who)
	}
}

// bearer reads the key from "Authorization: Bearer <key>" (RFC 6750).
func bearer(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}

// flights counts the requests under way of each tenant.
type flights struct {
	max int

	mu    sync.Mutex
	count map[string]int
}

func (f *flights) begin(tenant string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[tenant] >= f.max {
		return false
	}
	if f.count == nil {
		f.count = make(map[string]int)
	}
	f.count[tenant]++
	return true
}

func (f *flights) end(tenant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count[tenant]--; f.count[tenant] == 0 {
		delete(f.count, tenant)
	}
}
