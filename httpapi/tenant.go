package httpapi

import (
	"context"
	"net/http"
	"time"

	"folio/invoices"
	"folio/invoices/document"
)

// Tenants reads and changes tenants; see invoices.DB.
type Tenants interface {
	Tenant(ctx context.Context, name string) (invoices.Tenant, error)
	ChangeTenant(ctx context.Context, name string, change func(*invoices.Tenant) error) (invoices.Tenant, error)
}

// getTenant is GET /v1/tenant.
func (a *api) getTenant(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	t, err := a.cfg.Tenants.Tenant(r.Context(), who.Tenant)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, t)
	return nil
}

// tenantBody is the body of PUT /v1/tenant. Name and CreatedAt may be sent as they
// were read, so that what GET gave can be changed and put back.
type tenantBody struct {
	Name            string            `json:"name"`
	TimeZone        string            `json:"time_zone"`
	LegalName       string            `json:"legal_name"`
	TaxID           string            `json:"tax_id"`
	Address         *document.Address `json:"address"`
	DefaultCurrency string            `json:"default_currency"`
	CreatedAt       string            `json:"created_at"`
}

// putTenant is PUT /v1/tenant.
func (a *api) putTenant(w http.ResponseWriter, r *http.Request, who invoices.Identity) error {
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	var sent tenantBody
	if err := decode(body, &sent); err != nil {
		return err
	}
	t, err := a.cfg.Tenants.ChangeTenant(r.Context(), who.Tenant, sent.change)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, t)
	return nil
}

// change makes t what was sent. A time zone that was left out stays: to fall back
// to UTC would move the tenant's midnight, and so its periods, unasked.
func (b tenantBody) change(t *invoices.Tenant) error {
	var bad document.InvalidError
	if b.Name != "" && b.Name != t.Name {
		bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/name", Detail: "cannot be changed; leave it out, or send it as it is"})
	}
	if b.CreatedAt != "" {
		at, err := time.Parse(time.RFC3339Nano, b.CreatedAt)
		if err != nil || !at.Equal(t.CreatedAt) {
			bad.Fields = append(bad.Fields, document.FieldError{Pointer: "/created_at", Detail: "cannot be changed; leave it out, or send it as it is"})
		}
	}
	if len(bad.Fields) > 0 {
		return &bad
	}
	if b.TimeZone != "" {
		t.TimeZone = b.TimeZone
	}
	t.LegalName, t.TaxID, t.Address, t.DefaultCurrency = b.LegalName, b.TaxID, b.Address, b.DefaultCurrency
	return nil
}
