package main

import (
	"encoding/json"
	"strings"
	"testing"

	"folio/internal/devcluster/postgres"
	"folio/invoices"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withPostgres starts a server whose schema is up to date, for commands.
func withPostgres(t *testing.T) {
	t.Helper()
	noEnvironment(t)
	s, end, err := postgres.ForTests()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("FOLIO_DATABASE_URL", s.URL("postgres"))
	mustFolio(t, "migrate")
}

// mustFolio runs a command that succeeds and returns what it printed.
func mustFolio(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := folio(t, args...)
	if status != 0 {
		t.Fatalf("folio %v: status %d, %s", args, status, stderr)
	}
	return stdout
}

func printed[T any](t *testing.T, args ...string) (v T) {
	t.Helper()
	out := mustFolio(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("folio %v printed %q: %v", args, out, err)
	}
	return v
}

func TestATenantIsMadeChangedAndShown(t *testing.T) {
	withPostgres(t)
	made := printed[newKey](t, "tenant", "create", "acme", "--zone", "Europe/Vienna", "--legal-name", "Acme GmbH", "--tax-id", "ATU1",
		"--street", "Gasse 1", "--locality", "Wien", "--postal-code", "1010", "--country", "AT", "--currency", "EUR")
	if made.Tenant != "acme" || !strings.HasPrefix(made.APIKey, "folio_live_") {
		t.Errorf("made %+v", made)
	}
	want := invoices.Tenant{
		Name: "acme", TimeZone: "Europe/Vienna", LegalName: "Acme GmbH", TaxID: "ATU1", DefaultCurrency: "EUR",
		Address: &document.Address{Street: "Gasse 1", Locality: "Wien", PostalCode: "1010", Country: "AT"},
	}
	same := func(got invoices.Tenant) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(invoices.Tenant{}, "CreatedAt")); diff != "" || got.CreatedAt.IsZero() {
			t.Errorf("want (-) got (+):\n%s", diff)
		}
	}
	same(printed[invoices.Tenant](t, "tenant", "show", "acme"))
	t.Setenv("FOLIO_TIME_ZONE", "Asia/Tokyo") // of tenant create: it changes nothing here
	want.LegalName, want.TaxID, want.Address.Street = "Acme AG", "", "Gasse 2"
	same(printed[invoices.Tenant](t, "tenant", "set", "acme", "--legal-name", "Acme AG", "--tax-id", "", "--street", "Gasse 2"))
	same(printed[[]invoices.Tenant](t, "tenant", "list")[0])
	if out := mustFolio(t, "tenant", "show", "acme"); !strings.Contains(out, "Gasse 2, 1010 Wien, AT") || !strings.Contains(out, "tax id      -") {
		t.Errorf("shown as\n%s", out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"tenant", "set", "acme", "--country", "Austria"}, "/address/country"},
		{[]string{"tenant", "set", "acme", "--zone", ""}, "/time_zone"},
		{[]string{"tenant", "set", "acme", "--currency", "eur"}, "/default_currency"},
		{[]string{"tenant", "create", "bolt", "--country", "Austria"}, "/address/country"},
		{[]string{"tenant", "create", "acme"}, "exists already"},
		{[]string{"tenant", "set", "nobody"}, "not found"},
		{[]string{"tenant", "show", "nobody"}, "not found"},
	} {
		if status, _, stderr := folio(t, c.args...); status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("folio %v: status %d, %q, want %q in it", c.args, status, stderr, c.want)
		}
	}
	same(printed[invoices.Tenant](t, "tenant", "show", "acme"))
}

func TestAKeyIsMadeWithItsScopesAndListed(t *testing.T) {
	withPostgres(t)
	mustFolio(t, "tenant", "create", "acme")
	made := printed[newKey](t, "key", "create", "acme", "--test", "--scope", "invoices:read", "--scope", "series:write")
	if !strings.HasPrefix(made.APIKey, "folio_test_") {
		t.Errorf("made %+v", made)
	}
	keys := printed[[]invoices.APIKey](t, "key", "list", "acme")
	if len(keys) != 2 || keys[0].Mode != "live" || keys[1].ID != made.KeyID || keys[1].Mode != "test" || keys[1].LastUsedAt != nil ||
		!cmp.Equal(keys[1].Scopes, []invoices.Scope{invoices.InvoicesRead, invoices.SeriesWrite}) {
		t.Errorf("listed %+v", keys)
	}
	mustFolio(t, "key", "revoke", made.KeyID)
	out := mustFolio(t, "key", "list", "acme")
	for _, want := range []string{"test", "invoices:read series:write", "never used", "revoked"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, made.APIKey) {
		t.Error("the key itself is listed")
	}
	if status, _, stderr := folio(t, "key", "create", "acme", "--scope", "everything"); status != 1 || !strings.Contains(stderr, "/scopes") {
		t.Errorf("an invented scope: status %d, %q", status, stderr)
	}
}
