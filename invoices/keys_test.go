package invoices

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestARevokedKeyIsRefusedWithinASecond(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	made, text, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	if who, err := keys.Authenticate(t.Context(), text); err != nil || who.Tenant != "acme" || who.KeyID != made.ID || who.Zone.String() != "Europe/Vienna" {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := (&Keys{DB: db}).Revoke(t.Context(), made.ID); err != nil { // elsewhere
		t.Fatal(err)
	}
	knownInTime(t, "the key is revoked", func() bool {
		_, err := keys.Authenticate(t.Context(), text)
		return errors.Is(err, ErrUnauthorized)
	})
	list, err := keys.List(t.Context(), "acme")
	if err != nil || len(list) != 2 || list[1].RevokedAt == nil || list[0].RevokedAt != nil {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAMistypedKeyIsRefusedWithoutAskingPostgres(t *testing.T) {
	t.Parallel()
	keys := &Keys{DB: open(t, "postgres://postgres@127.0.0.1:1/nowhere?sslmode=disable")}
	good := newKeyText(keyLive)
	if !wellFormedKey(good) {
		t.Fatalf("%s is not well formed", good)
	}
	for _, text := range []string{
		"", "folio_live_", good[:len(good)-1], good + "0", strings.Replace(good, "live", "test", 1),
		good[:15] + flip(good[15]) + good[16:], good[:len(good)-1] + flip(good[len(good)-1]), " " + good[1:], "ф" + good[2:],
	} {
		if _, err := keys.Authenticate(t.Context(), text); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("%q: %v, want ErrUnauthorized", text, err)
		}
	}
	// The teeth: a well-formed one does ask, and here nobody answers.
	if _, err := keys.Authenticate(t.Context(), good); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a well-formed key: %v, want ErrUnavailable", err)
	}
}

func TestAnUnknownKeyIsRefused(t *testing.T) {
	t.Parallel()
	keys := &Keys{DB: migrated(t)}
	for range 2 {
		if _, err := keys.Authenticate(t.Context(), newKeyText(keyLive)); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("got %v, want ErrUnauthorized", err)
		}
	}
	if _, err := keys.Revoke(t.Context(), "key_none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoke: %v, want ErrNotFound", err)
	}
	if _, _, err := keys.Create(t.Context(), "nobody", NewKey{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("create: %v, want ErrNotFound", err)
	}
}

func TestTheKeyItselfIsNotStored(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	_, _, text, err := db.CreateTenant(t.Context(), Tenant{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if row := ask[string](t, db, `select cast(api_keys as text) from api_keys`); strings.Contains(row, text) || strings.Contains(row, text[11:]) {
		t.Errorf("%s holds the key", row)
	}
}

func TestATenantIsMadeOnceWithItsSeriesAndKey(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	if _, _, _, err := db.CreateTenant(t.Context(), Tenant{Name: "acme"}); !errors.Is(err, ErrExists) {
		t.Errorf("again: %v, want ErrExists", err)
	}
	tenants, err := db.ListTenants(t.Context())
	if err != nil || len(tenants) != 1 || tenants[0].Name != "acme" || tenants[0].TimeZone != "Europe/Vienna" {
		t.Errorf("%+v, %v", tenants, err)
	}
	series, err := db.ListSeries(t.Context(), "acme")
	if err != nil || !cmp.Equal(series, []Series{firstSeries("acme")[1], firstSeries("acme")[0]}) {
		t.Errorf("%+v, %v", series, err)
	}
	if n := ask[int](t, db, `select count(*) from api_keys`); n != 1 {
		t.Errorf("%d keys, want 1", n)
	}
}

func TestWhatIsNoTenantIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, name := range []string{"", "-a", "a-", "A", "a/b", "a_b", "ä", strings.Repeat("a", 64)} {
		if _, _, _, err := db.CreateTenant(t.Context(), Tenant{Name: name}); !cmp.Equal(pointers(err), []string{"/name"}) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, zone := range []string{"Mars/Olympus", "Local", "../etc/passwd"} {
		if _, _, _, err := db.CreateTenant(t.Context(), Tenant{Name: "acme", TimeZone: zone}); !cmp.Equal(pointers(err), []string{"/time_zone"}) {
			t.Errorf("%q: %v", zone, err)
		}
	}
	if _, _, _, err := db.CreateTenant(t.Context(), Tenant{Name: strings.Repeat("a", 63)}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoSeriesIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	bad := seriesOf("acme", "A", "no number", "ignore")
	bad.Period = "week"
	if err := db.CreateSeries(t.Context(), bad); !cmp.Equal(pointers(err), []string{"/name", "/format", "/period", "/on_loss"}) {
		t.Errorf("got %v", err)
	}
	good := firstSeries("acme")[0]
	if err := db.CreateSeries(t.Context(), good); !errors.Is(err, ErrExists) {
		t.Errorf("again: %v, want ErrExists", err)
	}
	good.Tenant = "nobody"
	if err := db.CreateSeries(t.Context(), good); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no tenant: %v, want ErrNotFound", err)
	}
}

func TestAKeyKeepsItsModeAndScopes(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	for _, row := range []struct {
		key    NewKey
		prefix string
		mode   string
		scopes []Scope
	}{
		{NewKey{}, "folio_live_", "live", AllScopes()},
		{NewKey{Test: true}, "folio_test_", "test", AllScopes()},
		{NewKey{Scopes: []Scope{InvoicesRead}}, "folio_live_", "live", []Scope{InvoicesRead}},
		{NewKey{Test: true, Scopes: []Scope{SeriesWrite, InvoicesWrite, SeriesWrite}}, "folio_test_", "test", []Scope{InvoicesWrite, SeriesWrite}},
	} {
		made, text, err := keys.Create(t.Context(), "acme", row.key)
		if err != nil || !strings.HasPrefix(text, row.prefix) || made.Mode != row.mode || !cmp.Equal(made.Scopes, row.scopes) {
			t.Errorf("%+v: made %+v, %.12s…, %v", row.key, made, text, err)
		}
		list, err := keys.List(t.Context(), "acme")
		if err != nil || !cmp.Equal(list[len(list)-1], made) {
			t.Errorf("%+v: listed as %+v, %v", row.key, list[len(list)-1], err)
		}
		who, err := keys.Authenticate(t.Context(), text)
		if err != nil || who.Tenant != "acme" || !cmp.Equal(who.Scopes, row.scopes) {
			t.Errorf("%+v: speaks as %+v, %v", row.key, who, err)
		}
		for _, s := range AllScopes() {
			if who.May(s) != slices.Contains(row.scopes, s) {
				t.Errorf("%+v: may %s: %v", row.key, s, who.May(s))
			}
		}
	}
	if _, _, err := keys.Create(t.Context(), "acme", NewKey{Scopes: []Scope{"invoices:delete"}}); !cmp.Equal(pointers(err), []string{"/scopes"}) {
		t.Errorf("an invented scope: %v", err)
	}
}

// For a rotation two keys work side by side; the end of one is not the other's.
func TestTwoKeysWorkUntilOneIsRevoked(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	old, oldText, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	_, nextText, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	works := func(text string) bool {
		_, err := keys.Authenticate(t.Context(), text)
		return err == nil
	}
	if !works(oldText) || !works(nextText) {
		t.Fatal("two keys do not work at once")
	}
	if _, err := keys.Revoke(t.Context(), old.ID); err != nil {
		t.Fatal(err)
	}
	knownInTime(t, "the old key is revoked", func() bool { return !works(oldText) })
	if !works(nextText) {
		t.Error("the next key does not work")
	}
}
