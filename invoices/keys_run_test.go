package invoices

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// running runs what keeps keys fresh, until the test ends or stop is called.
func running(t testing.TB, keys *Keys) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := keys.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); run.Wait() })
	t.Cleanup(stop)
	return stop
}

// listeners counts the sessions that listen and have forgotten what they knew.
func listeners(t testing.TB, db *DB) int {
	t.Helper()
	return ask[int](t, db, `select count(*) from pg_stat_activity where datname = current_database() and query = 'select 1'`)
}

// The caches would believe the key for an hour: only the notification makes them
// ask again, on each replica; and a key of another tenant is not asked for again.
func TestARevokedKeyIsTold(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	_, _, other, err := db.CreateTenant(t.Context(), Tenant{Name: "globex"})
	if err != nil {
		t.Fatal(err)
	}
	one, two := &Keys{DB: db}, &Keys{DB: open(t, db.at.url)}
	made, text, err := one.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*Keys{one, two} {
		k.known.keep = time.Hour
		running(t, k)
	}
	eventually(t, "both listen", func() bool { return listeners(t, db) == 2 })
	// What was asked before they listened is forgotten then; so ask until it stays.
	for _, k := range []*Keys{one, two} {
		eventually(t, "the key is remembered", func() bool {
			_, err := k.Authenticate(t.Context(), text)
			_, otherErr := k.Authenticate(t.Context(), other)
			return err == nil && otherErr == nil && remembered(k) == 2
		})
	}
	if _, err := (&Keys{DB: db}).Revoke(t.Context(), made.ID); err != nil { // elsewhere
		t.Fatal(err)
	}
	for _, k := range []*Keys{one, two} {
		eventually(t, "the key is refused", func() bool {
			_, err := k.Authenticate(t.Context(), text)
			return errors.Is(err, ErrUnauthorized)
		})
		if n := remembered(k); n != 2 { // the other tenant's, and that this one is nobody's
			t.Errorf("%d answers remembered, want 2", n)
		}
	}
}

// remembered counts the answers that a cache would give without asking.
func remembered(k *Keys) (n int) {
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	return len(k.known.answers)
}

// A listener that was cut off misses the notification; the cache, which believes
// nothing for longer than a second, does not. When it can it listens again, and
// believes nothing of the time between.
func TestARevokedKeyIsRefusedWithoutTheNotification(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct := open(t, url)
	newTenant(t, direct, "acme")
	var replicas []*Keys
	for range 2 {
		cut, p := throughProxy(t, url)
		db := *open(t, url)
		db.hearing = cut.hearing
		k := &Keys{DB: &db}
		running(t, k)
		replicas = append(replicas, k)
		eventually(t, "it listens", func() bool { return listeners(t, direct) == 1 })
		p.refuse()
		p.cutAll()
		eventually(t, "it does not listen", func() bool { return listeners(t, direct) == 0 })
	}
	made, text, err := replicas[0].Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func() bool {
		for _, k := range replicas {
			if _, err := k.Authenticate(t.Context(), text); !errors.Is(err, ErrUnauthorized) {
				return false
			}
		}
		return true
	}
	if refused() {
		t.Fatal("the key is refused before it is revoked")
	}
	if _, err := replicas[1].Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	knownInTime(t, "the key is refused by both", refused)
}

func TestAListenerThatWasCutOffListensAgain(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	keys.known.keep = time.Hour
	made, text, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	running(t, keys)
	eventually(t, "it listens", func() bool { return listeners(t, db) == 1 })
	pid := ask[int](t, db, `select pid from pg_stat_activity where datname = current_database() and query = 'select 1'`)
	if _, err := keys.Authenticate(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	// Cut off and revoked before it can listen again.
	db.exec(t, `select pg_terminate_backend($1)`, pid)
	if _, err := keys.Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is refused", func() bool {
		_, err := keys.Authenticate(t.Context(), text)
		return errors.Is(err, ErrUnauthorized)
	})
}

func TestTheLastUseOfAKeyIsStored(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	used, text, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	lastUse := func() *time.Time {
		list, err := keys.List(t.Context(), "acme")
		if err != nil || len(list) != 2 || list[0].LastUsedAt != nil || list[1].ID != used.ID {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[1].LastUsedAt
	}
	before := time.Now().Truncate(time.Microsecond)
	stop := running(t, keys)
	if _, err := keys.Authenticate(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if at := lastUse(); at != nil {
		t.Errorf("stored at once: %v", at)
	}
	stop() // stores what is left
	at := lastUse()
	if at == nil || at.Before(before) || at.After(time.Now()) {
		t.Fatalf("last used %v, want from %v to now", at, before)
	}
	// A replica that is late does not turn it back.
	keys.uses = map[string]time.Time{used.ID: before.Add(-time.Hour)}
	if err := keys.storeUses(t.Context()); err != nil || !lastUse().Equal(*at) {
		t.Errorf("turned back to %v, %v", lastUse(), err)
	}
	// And now and then while it runs.
	often := &Keys{DB: db, UsesEvery: 10 * time.Millisecond}
	running(t, often)
	if _, err := often.Authenticate(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next use is stored", func() bool { return lastUse().After(*at) })
}

func TestStoringUsesWhoseAnswerIsLostLosesNone(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		_, key, _, err := direct.CreateTenant(t.Context(), Tenant{Name: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		keys := &Keys{DB: db}
		keys.noteUse(key.ID)
		p.arm("insert into api_key_uses", how)
		if err := keys.storeUses(t.Context()); err != nil {
			err = keys.storeUses(t.Context())
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := ask[int](t, direct, `select count(*) from api_key_uses`); n != 1 {
			t.Errorf("%d uses, want 1", n)
		}
	})
}
