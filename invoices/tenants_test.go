package invoices

import (
	"errors"
	"strings"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
)

// full is a tenant that says all it can.
func full(name string) Tenant {
	return Tenant{
		Name: name, TimeZone: "Europe/Athens", LegalName: "Ακμή <Α.Ε.>", TaxID: "EL123456789", DefaultCurrency: "EUR",
		Address: &document.Address{Street: "Οδός 1", Locality: "Αθήνα", Region: "Attica", PostalCode: "10431", Country: "GR"},
	}
}

func TestATenantComesBackAsItWasMadeAndChanged(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	same := func(what string, want Tenant) {
		t.Helper()
		got, err := db.Tenant(t.Context(), want.Name)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, want (-) got (+):\n%s", what, err, diff)
		}
	}
	made, _, _, err := db.CreateTenant(t.Context(), full("acme"))
	if err != nil {
		t.Fatal(err)
	}
	same("made", made)
	changed, err := db.ChangeTenant(t.Context(), "acme", func(t *Tenant) error {
		*t = Tenant{Name: "other", TimeZone: "UTC", LegalName: "Acme", Address: &document.Address{}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Tenant{Name: "acme", TimeZone: "UTC", LegalName: "Acme", CreatedAt: made.CreatedAt}); !cmp.Equal(changed, want) {
		t.Errorf("changed to %+v, want %+v", changed, want)
	}
	same("changed", changed)
	list, err := db.ListTenants(t.Context())
	if err != nil || !cmp.Equal(list, []Tenant{changed}) {
		t.Errorf("listed as %+v, %v", list, err)
	}
	for _, find := range []func() error{
		func() error { _, err := db.Tenant(t.Context(), "nobody"); return err },
		func() error {
			_, err := db.ChangeTenant(t.Context(), "nobody", func(*Tenant) error { return nil })
			return err
		},
	} {
		if err := find(); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
}

func TestWhatATenantCannotSayIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	if _, _, _, err := db.CreateTenant(t.Context(), full("acme")); err != nil {
		t.Fatal(err)
	}
	long := func(most int) string { return strings.Repeat("ä", most+1) }
	for _, row := range []struct {
		pointer string
		spoil   func(*Tenant)
	}{
		{"/time_zone", func(t *Tenant) { t.TimeZone = "Mars/Olympus" }},
		{"/time_zone", func(t *Tenant) { t.TimeZone = "" }},
		{"/legal_name", func(t *Tenant) { t.LegalName = long(document.MaxName) }},
		{"/legal_name", func(t *Tenant) { t.LegalName = "a\x00" }},
		{"/tax_id", func(t *Tenant) { t.TaxID = long(document.MaxTaxID) }},
		{"/tax_id", func(t *Tenant) { t.TaxID = "\xff" }},
		{"/address/street", func(t *Tenant) { t.Address.Street = long(document.MaxStreet) }},
		{"/address/locality", func(t *Tenant) { t.Address.Locality = long(document.MaxLocality) }},
		{"/address/region", func(t *Tenant) { t.Address.Region = long(document.MaxRegion) }},
		{"/address/postal_code", func(t *Tenant) { t.Address.PostalCode = long(document.MaxPostalCode) }},
		{"/address/country", func(t *Tenant) { t.Address.Country = "at" }},
		{"/default_currency", func(t *Tenant) { t.DefaultCurrency = "EURO" }},
	} {
		_, err := db.ChangeTenant(t.Context(), "acme", func(t *Tenant) error { row.spoil(t); return nil })
		if !cmp.Equal(pointers(err), []string{row.pointer}) {
			t.Errorf("%s: %v", row.pointer, err)
		}
		if row.pointer == "/time_zone" {
			continue // an empty one means UTC at the beginning
		}
		spoiled := full("globex")
		row.spoil(&spoiled)
		if _, _, _, err := db.CreateTenant(t.Context(), spoiled); !cmp.Equal(pointers(err), []string{row.pointer}) {
			t.Errorf("made, %s: %v", row.pointer, err)
		}
	}
}

// knownInTime polls until is reports true, which it must once a second has passed
// before it is asked, however long the asking takes.
func knownInTime(t testing.TB, what string, is func() bool) {
	t.Helper()
	for changed := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		begun := time.Now()
		if is() {
			return
		}
		if begun.Sub(changed) > believedUntold {
			t.Fatalf("not known after a second: %s", what)
		}
	}
}

// The first document keeps what its seller said, on every replica the next one
// says what it says now.
func TestAChangedTenantIsKnownWithinASecondAndChangesNoIssuedDocument(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	_, _, text, err := db.CreateTenant(t.Context(), full("acme"))
	if err != nil {
		t.Fatal(err)
	}
	replicas := []*Keys{{DB: db}, {DB: db}}
	identities := func() (all []Identity) {
		for _, k := range replicas {
			who, err := k.Authenticate(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, who)
		}
		return all
	}
	r := newReplica(t, db, store)
	wish := func(who Identity, id string) Request {
		req := request(who, id, "n")
		req.Draft.Currency = "" // the tenant's
		return req
	}
	first := r.mustIssue(t, wish(identities()[0], "one")).Invoice
	if first.Seller == nil || first.Seller.Name != "Ακμή <Α.Ε.>" || first.Seller.Address.Locality != "Αθήνα" || first.Currency != "EUR" {
		t.Fatalf("issued by %+v in %s", first.Seller, first.Currency)
	}
	_, err = db.ChangeTenant(t.Context(), "acme", func(t *Tenant) error {
		*t = Tenant{TimeZone: "Pacific/Honolulu", LegalName: "Acme", DefaultCurrency: "JPY"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	knownInTime(t, "the new tenant", func() bool {
		for _, who := range identities() {
			if who.Seller != (document.Party{Name: "Acme"}) || who.Currency != "JPY" || who.Zone.String() != "Pacific/Honolulu" {
				return false
			}
		}
		return true
	})
	now := identities()[1]
	if second := r.mustIssue(t, wish(now, "two")).Invoice; second.Seller == nil || *second.Seller != (document.Party{Name: "Acme"}) || second.Currency != "JPY" {
		t.Errorf("issued by %+v in %s", second.Seller, second.Currency)
	}
	for how, got := range map[string]func() (Invoice, error){
		"read":     func() (Invoice, error) { return db.Invoice(t.Context(), "acme", first.ID) },
		"repeated": func() (Invoice, error) { got, err := r.Issue(t.Context(), wish(now, "one")); return got.Invoice, err },
	} {
		if inv, err := got(); err != nil || !cmp.Equal(inv, first) {
			t.Errorf("%s it is %+v, %v; issued was %+v", how, inv, err, first)
		}
	}
}

func TestChangingATenantWhoseAnswerIsLostChangesItOnce(t *testing.T) {
	for _, statement := range []string{"update tenants", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				newTenant(t, direct, "acme")
				rename := func(t *Tenant) error { t.LegalName = "Acme"; return nil }
				p.arm(statement, how)
				_, err := db.ChangeTenant(t.Context(), "acme", rename)
				if err != nil { // told: then it is done again
					_, err = db.ChangeTenant(t.Context(), "acme", rename)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got, err := direct.Tenant(t.Context(), "acme"); err != nil || got.LegalName != "Acme" {
					t.Errorf("%+v, %v", got, err)
				}
			})
		})
	}
}

func TestWhoChangedATenantKnowsItAtOnce(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	_, _, text, err := db.CreateTenant(t.Context(), full("acme"))
	if err != nil {
		t.Fatal(err)
	}
	keys := &Keys{DB: db} // nobody tells it
	book := TenantBook{DB: db, Keys: keys}
	for _, name := range []string{"One", "Two", "Three"} {
		if _, err := keys.Authenticate(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if _, err := book.ChangeTenant(t.Context(), "acme", func(t *Tenant) error { t.LegalName = name; return nil }); err != nil {
			t.Fatal(err)
		}
		if who, err := keys.Authenticate(t.Context(), text); err != nil || who.Seller.Name != name {
			t.Errorf("after the change to %s the key speaks for %q, %v", name, who.Seller.Name, err)
		}
	}
}
