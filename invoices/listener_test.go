package invoices

import (
	"errors"
	"testing"
	"time"

	"folio/counter/countertest"

	"github.com/pressly/goose/v3"
)

// listening runs a Listener of db, until the test ends or stop is called, and waits
// until it is told of everything.
func listening(t testing.TB, db *DB) (stop func()) {
	t.Helper()
	stop = running(t, (&Listener{DB: db}).Run)
	eventually(t, "it is told of changes", func() bool { return isTold(db) })
	return stop
}

// isTold reports whether db is told of changes, as far as its Listener has heard.
func isTold(db *DB) bool {
	db.changes.mu.RLock()
	defer db.changes.mu.RUnlock()
	return !db.changes.began.IsZero() && time.Since(db.changes.heard) < believedUntold
}

// listeners counts the sessions that listen.
func listeners(t testing.TB, db *DB) int {
	t.Helper()
	return ask[int](t, db, `select count(*) from pg_stat_activity where datname = current_database() and query = 'select 1'`)
}

// authenticated reports whether a key speaks for somebody; if not, it is nobody's.
func authenticated(t testing.TB, k *Keys, text string) bool {
	t.Helper()
	_, err := k.Authenticate(t.Context(), text)
	if err != nil && !errors.Is(err, ErrUnauthorized) {
		t.Fatal(err)
	}
	return err == nil
}

// newKey makes acme with a key, and returns its text.
func newKey(t testing.TB, db *DB) (APIKey, string) {
	t.Helper()
	_, key, text, err := db.CreateTenant(t.Context(), Tenant{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

// The keys would be believed for a minute: only the notification makes them ask again,
// on each replica; and a key of another tenant is not asked for again.
func TestARevokedKeyIsTold(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for what, end := range map[string]func(key string){
		"revoked": func(key string) {
			if _, err := (&Keys{DB: db}).Revoke(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		},
		"deleted": func(key string) { db.exec(t, `delete from api_keys where key_id = $1`, key) }, // by hand
	} {
		_, key, text, err := db.CreateTenant(t.Context(), Tenant{Name: what})
		if err != nil {
			t.Fatal(err)
		}
		_, _, other, err := db.CreateTenant(t.Context(), Tenant{Name: what + "-other"})
		if err != nil {
			t.Fatal(err)
		}
		replicas := []*Keys{{DB: open(t, db.at.url)}, {DB: open(t, db.at.url)}}
		for _, k := range replicas {
			listening(t, k.DB)
			if !authenticated(t, k, text) || !authenticated(t, k, other) {
				t.Fatal("a key is refused")
			}
		}
		otherHash := keyHash(other)
		end(key.ID)
		for _, k := range replicas {
			before := k.known.answers[otherHash].asked
			eventually(t, what, func() bool { return !authenticated(t, k, text) })
			if !authenticated(t, k, other) || what == "revoked" && !k.known.answers[otherHash].asked.Equal(before) {
				t.Errorf("%s: the key of another tenant is refused, or was asked for again", what)
			}
		}
	}
}

// A listener that was cut off misses the notification, and one whose connection is silent
// does not know that it does: the replica believes nothing older than a second then.
func TestARevokedKeyIsRefusedWithoutTheNotification(t *testing.T) {
	t.Parallel()
	for what, break_ := range map[string]func(p *proxy){
		"cut off": func(p *proxy) { p.refuse(); p.cutAll() },
		"silent":  func(p *proxy) { p.arm("select 1", stopped) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			direct := open(t, url)
			key, text := newKey(t, direct)
			cut, p := throughProxy(t, url)
			db := open(t, url)
			if err := db.hearing.Close(); err != nil {
				t.Fatal(err)
			}
			db.hearing = cut.hearing
			k := &Keys{DB: db}
			listening(t, db)
			if !authenticated(t, k, text) {
				t.Fatal("the key is refused before it is revoked")
			}
			break_(p)
			eventually(t, "it does not hear", func() bool {
				return listeners(t, direct) == 0 || p.cuts() > 0
			})
			if _, err := k.Revoke(t.Context(), key.ID); err != nil {
				t.Fatal(err)
			}
			knownInTime(t, "the key is refused", func() bool { return !authenticated(t, k, text) })
			p.letGo()
		})
	}
}

// When it can it listens again, and believes nothing of the time between.
func TestAListenerThatWasCutOffListensAgain(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	key, text := newKey(t, db)
	k := &Keys{DB: db}
	listening(t, db)
	if !authenticated(t, k, text) {
		t.Fatal("the key is refused before it is revoked")
	}
	eventually(t, "it looks whether it hears", func() bool { return listeners(t, db) == 1 })
	before := db.changes.began
	// Cut off and revoked before it can listen again.
	db.exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'select 1'`)
	if _, err := k.Revoke(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it listens again", func() bool {
		db.changes.mu.RLock()
		defer db.changes.mu.RUnlock()
		return db.changes.began.After(before)
	})
	knownInTime(t, "the key is refused", func() bool { return !authenticated(t, k, text) })
}

// Of two primaries the one that was left tells nothing of what is changed at the other.
func TestAListenerLeavesAServerWhenAnotherIsThePrimary(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	db.witness = &Witness{}
	_, text := newKey(t, db)
	k := &Keys{DB: db}
	listening(t, db)
	if !authenticated(t, k, text) {
		t.Fatal("the key is refused")
	}
	before := k.known.answers[keyHash(text)].asked
	db.witness.turn.Add(1)
	eventually(t, "what is known is asked for anew", func() bool {
		return authenticated(t, k, text) && k.known.answers[keyHash(text)].asked.After(before)
	})
	eventually(t, "it listens again", func() bool { return isTold(db) })
}

// The rules would be believed for a minute.
func TestAChangeOfASeriesIsToldToOtherReplicas(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	db.put(t, with("web", func(s *Series) { s.Format = "A{seq}" }))
	replicas := []*Issuer{{DB: open(t, db.at.url)}, {DB: open(t, db.at.url)}}
	for _, r := range replicas {
		listening(t, r.DB)
	}
	ruleOf := func(r *Issuer, name string) *rule {
		found, err := r.rule(t.Context(), "acme", name)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	remember := func() {
		for _, r := range replicas {
			if ruleOf(r, "web") == nil || ruleOf(r, "invoice") == nil {
				t.Fatal("a series is not found")
			}
		}
	}
	for _, c := range []struct {
		what    string
		change  func()
		follows func(*rule) bool
	}{
		{"the format", func() { db.put(t, with("web", func(s *Series) { s.Format = "B{seq}" })) }, func(r *rule) bool { return r.Format == "B{seq}" }},
		{"the numbering", func() { db.exec(t, `update series set numbering = 'strict' where name = 'web'`) }, func(r *rule) bool { return r.Numbering == numberingStrict }},
		{"by hand", func() { db.exec(t, `update series set closed_through = '2026-01-01' where name = 'web'`) }, func(r *rule) bool { return r.ClosedThrough != "" }},
		{"deleted", func() {
			db.exec(t, `delete from series_formats`)
			db.exec(t, `delete from series where name = 'web'`)
		}, func(r *rule) bool { return r == nil }},
	} {
		remember()
		var before []time.Time
		for _, r := range replicas {
			before = append(before, r.rules.known.answers[subject{"acme", "invoice"}].asked)
		}
		c.change()
		for i, r := range replicas {
			eventually(t, c.what, func() bool { return c.follows(ruleOf(r, "web")) })
			ruleOf(r, "invoice")
			if !r.rules.known.answers[subject{"acme", "invoice"}].asked.Equal(before[i]) {
				t.Errorf("%s: another series was asked for again", c.what)
			}
		}
	}
}

// A database of before does not tell of series, so nobody believes for longer than a
// second what it said; and once it tells, it is believed, without another connection.
func TestADatabaseThatDoesNotTellIsAskedEachSecond(t *testing.T) {
	t.Parallel()
	db := migratedTo(t, 13)
	newTenant(t, db, "acme")
	r := &Issuer{DB: open(t, db.at.url)}
	running(t, (&Listener{DB: r.DB}).Run)
	eventually(t, "it listens", func() bool { return listeners(t, db) == 1 })
	closed := func() string {
		found, err := r.rule(t.Context(), "acme", "invoice")
		if err != nil {
			t.Fatal(err)
		}
		return found.ClosedThrough
	}
	change := func(day string) {
		db.exec(t, `update series set closed_through = cast($1 as date) where name = 'invoice'`, day)
	}
	closed()
	change("2026-01-01")
	knownInTime(t, "the series is closed", func() bool { return closed() == "2026-01-01" })

	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is told", func() bool { return isTold(r.DB) })
	closed()
	change("2026-01-02")
	eventually(t, "the series is closed later", func() bool { return closed() == "2026-01-02" })

	steps, err := goose.NewProvider(goose.DialectPostgres, db.rest.DB, migrations())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steps.DownTo(t.Context(), 13); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is told no more", func() bool { return !isTold(r.DB) })
	closed()
	change("2026-01-03")
	knownInTime(t, "the series is closed later still", func() bool { return closed() == "2026-01-03" })
}

// Whoever tells waits at its commit for others who do: so what is used with every
// document tells nobody.
func TestNoDocumentIsTold(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	_, text, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	strictSeriesFor(t, db, who, "strict")
	r := newReplica(t, db, &countertest.Mem{})
	hearer := open(t, db.at.url)
	listening(t, hearer)
	for _, series := range []string{"invoice", "strict"} {
		for range 3 {
			r.mustIssue(t, in(series, request(who, "", "n")))
		}
	}
	if !authenticated(t, keys, text) {
		t.Fatal("the key is refused")
	}
	if err := keys.storeUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.put(t, with("invoice", func(s *Series) { s.Format = "I-{yyyy}-{seq}" })) // told after whatever else is
	db.put(t, with("invoice", func(s *Series) { s.Format = "I-{yyyy}-{seq}" })) // changes nothing
	changed := func(s subject) bool {
		hearer.changes.mu.RLock()
		defer hearer.changes.mu.RUnlock()
		return !hearer.changes.latest[s].IsZero()
	}
	eventually(t, "the change is heard", func() bool { return changed(subject{"acme", "invoice"}) })
	hearer.changes.mu.RLock()
	defer hearer.changes.mu.RUnlock()
	if len(hearer.changes.latest) != 1 || !hearer.changes.all.IsZero() {
		t.Errorf("told of %v, and of everything at %s; want one series", hearer.changes.latest, hearer.changes.all)
	}
}
