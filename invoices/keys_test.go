package invoices

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestARevokedKeyIsRefusedWithinASecond(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	made, text, err := keys.Create(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if who, err := keys.Authenticate(t.Context(), text); err != nil || who.Tenant != "acme" || who.KeyID != made.ID || who.Zone.String() != "Europe/Vienna" {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := (&Keys{DB: db}).Revoke(t.Context(), made.ID); err != nil { // elsewhere
		t.Fatal(err)
	}
	revoked := time.Now()
	for {
		_, err := keys.Authenticate(t.Context(), text)
		if errors.Is(err, ErrUnauthorized) {
			break
		}
		if time.Since(revoked) > cacheFor+500*time.Millisecond {
			t.Fatal("still accepted")
		}
		time.Sleep(5 * time.Millisecond)
	}
	list, err := keys.List(t.Context(), "acme")
	if err != nil || len(list) != 2 || list[1].RevokedAt == nil || list[0].RevokedAt != nil {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAMistypedKeyIsRefusedWithoutAskingPostgres(t *testing.T) {
	t.Parallel()
	keys := &Keys{DB: open(t, "postgres://postgres@127.0.0.1:1/nowhere?sslmode=disable")}
	good := newKeyText()
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
		if _, err := keys.Authenticate(t.Context(), newKeyText()); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("got %v, want ErrUnauthorized", err)
		}
	}
	if _, err := keys.Revoke(t.Context(), "key_none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoke: %v, want ErrNotFound", err)
	}
	if _, _, err := keys.Create(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("create: %v, want ErrNotFound", err)
	}
}

func TestTheKeyItselfIsNotStored(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	_, _, text, err := db.CreateTenant(t.Context(), "acme", "")
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
	if _, _, _, err := db.CreateTenant(t.Context(), "acme", ""); !errors.Is(err, ErrExists) {
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
		if _, _, _, err := db.CreateTenant(t.Context(), name, ""); !cmp.Equal(pointers(err), []string{"/name"}) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, zone := range []string{"Mars/Olympus", "Local", "../etc/passwd"} {
		if _, _, _, err := db.CreateTenant(t.Context(), "acme", zone); !cmp.Equal(pointers(err), []string{"/time_zone"}) {
			t.Errorf("%q: %v", zone, err)
		}
	}
	if _, _, _, err := db.CreateTenant(t.Context(), strings.Repeat("a", 63), ""); err != nil {
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
