package invoices

import (
	"context"
	"sync"
	"testing"
	"time"
)

// running runs a part of a replica, until the test ends or stop is called.
func running(t testing.TB, part func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := part(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); run.Wait() })
	t.Cleanup(stop)
	return stop
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
	stop := running(t, keys.Run)
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
	running(t, often.Run)
	if _, err := often.Authenticate(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next use is stored", func() bool { return lastUse().After(*at) })
}

// A key that is used without a question is used all the same.
func TestAUseOfAKeyThatIsRememberedIsNotedOnceASecond(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	keys := &Keys{DB: db}
	made, text, err := keys.Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		t.Helper()
		if _, err := keys.Authenticate(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	hash := keyHash(text)
	use()
	a := keys.known.answers[hash]
	a.asked = time.Now().Add(time.Hour) // believed for as long as the test runs
	keys.known.answers[hash] = a
	noted := 0
	for range 1000 {
		keys.uses = nil
		use()
		if at, ok := keys.uses[made.ID]; ok {
			noted++
			if time.Since(at) > time.Second {
				t.Errorf("noted %s late", time.Since(at))
			}
		}
	}
	if noted > 10 {
		t.Errorf("noted for %d of 1,000 uses", noted)
	}
	keys.uses = nil
	eventually(t, "the use of another second is noted", func() bool {
		use()
		return len(keys.uses) == 1
	})
	if keys.known.answers[hash] != a {
		t.Error("Postgres was asked again")
	}
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
