package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"folio/invoices"
	"folio/invoices/document"
)

func (s *stub) Tenant(_ context.Context, name string) (invoices.Tenant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenant
	if t.Name == "" {
		t.TimeZone = "Europe/Vienna"
	}
	t.Name, t.CreatedAt = name, time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC)
	return t, nil
}

func (s *stub) ChangeTenant(ctx context.Context, name string, change func(*invoices.Tenant) error) (invoices.Tenant, error) {
	t, err := s.Tenant(ctx, name)
	if err != nil {
		return t, err
	}
	if err := change(&t); err != nil {
		return t, err
	}
	if bad := document.CheckSeller(document.Party{Name: t.LegalName, TaxID: t.TaxID, Address: t.Address}, t.DefaultCurrency); bad != nil {
		return t, &document.InvalidError{Fields: bad}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenant = t
	return t, s.err
}

func put(target, body string) *http.Request {
	req := post(body)
	req.Method = http.MethodPut
	req.URL.Path = target
	return req
}

const fullTenant = `{"name":"acme","time_zone":"Europe/Athens","legal_name":"Ακμή","tax_id":"EL1","address":{"street":"Οδός 1","country":"GR"},` +
	`"default_currency":"EUR","created_at":"2026-01-02T04:04:05.6789+01:00"}`

func TestATenantIsReadChangedAndPutBack(t *testing.T) {
	e := newEdge(t, Config{})
	answer := func(req *http.Request) (got invoices.Tenant) {
		t.Helper()
		rec := e.ask(req)
		if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &got) != nil {
			t.Fatalf("%s: %d %s", req.Method, rec.Code, rec.Body)
		}
		return got
	}
	if got := answer(get("/v1/tenant")); got.Name != "acme" || got.TimeZone != "Europe/Vienna" {
		t.Errorf("read %+v", got)
	}
	if err := e.allows(put("/v1/tenant", fullTenant), fullTenant); err != nil {
		t.Errorf("the contract forbids what is accepted: %v", err)
	}
	got := answer(put("/v1/tenant", fullTenant))
	if got.TimeZone != "Europe/Athens" || got.LegalName != "Ακμή" || got.Address.Country != "GR" || got.DefaultCurrency != "EUR" {
		t.Errorf("changed to %+v", got)
	}
	back := e.ask(get("/v1/tenant")).Body.String()
	if again := e.ask(put("/v1/tenant", back)); again.Body.String() != back {
		t.Errorf("what was read cannot be put back: %s", again.Body)
	}
	if got := answer(put("/v1/tenant", `{}`)); got.TimeZone != "Europe/Athens" || got.LegalName != "" || got.Address != nil || got.DefaultCurrency != "" {
		t.Errorf("what is left out becomes empty, but for the zone; got %+v", got)
	}
}

func TestATenantThatCannotBeIsRefusedByItsField(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		at     string
	}{
		"another name":      {`{"name":"bolt"}`, 422, "/name"},
		"another age":       {`{"created_at":"2020-01-01T00:00:00Z"}`, 422, "/created_at"},
		"no date":           {`{"created_at":"yesterday"}`, 422, "/created_at"},
		"a long name":       {`{"legal_name":"` + strings.Repeat("x", 501) + `"}`, 422, "/legal_name"},
		"a control":         {`{"tax_id":"\u0000"}`, 422, "/tax_id"},
		"no country":        {`{"address":{"country":"XX"}}`, 422, "/address/country"},
		"no currency":       {`{"default_currency":"eur"}`, 422, "/default_currency"},
		"an unknown field":  {`{"color":"red"}`, 400, "/color"},
		"a field of a part": {`{"address":{"zip":"1"}}`, 400, "/address/zip"},
		"a null":            {`{"address":null}`, 400, "/address"},
		"a number":          {`{"tax_id":1}`, 400, "/tax_id"},
		"an array":          {`[]`, 400, ""},
		"nothing":           {``, 400, ""},
	} {
		got := newEdge(t, Config{}).ask(put("/v1/tenant", c.body))
		var p problem
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || got.Code != c.status || len(p.Errors) != 1 || p.Errors[0].Pointer != c.at {
			t.Errorf("%s: %d %s, want %d at %q", name, got.Code, got.Body, c.status, c.at)
		}
	}
}
