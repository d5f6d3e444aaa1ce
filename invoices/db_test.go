package invoices

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMigratingFiveAtATimeSucceedsForAll(t *testing.T) {
	t.Parallel()
	address := emptyDatabase(t)
	var wg sync.WaitGroup
	for range 5 {
		db := open(t, address)
		wg.Go(func() {
			if err := db.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	db := open(t, address)
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if n := ask[int](t, db, `select count(*) from restores`); n != 1 {
		t.Errorf("restores has %d rows, want 1", n)
	}
}

func TestADatabaseWithoutTheSchemaIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t, emptyDatabase(t))
	if err := db.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "folio migrate") {
		t.Errorf("got %v, want an error that names folio migrate", err)
	}
	old := migrated(t)
	old.exec(t, `update goose_db_version set version_id = 0`)
	if err := old.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "folio migrate") {
		t.Errorf("got %v, want an error that names folio migrate", err)
	}
}

func TestAServerThatMayForgetIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t, databaseFor(t)+"&synchronous_commit=off")
	if err := db.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Errorf("got %v, want an error that names synchronous_commit", err)
	}
}

func TestBothFormsOfAddressWorkAndBoundTheirSessions(t *testing.T) {
	t.Parallel()
	address := databaseFor(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	words := "host=" + u.Hostname() + " port=" + u.Port() + " user=" + u.User.Username() +
		" dbname=" + strings.TrimPrefix(u.Path, "/") + " sslmode=disable application_name=mine"
	for form, want := range map[string]string{address: "folio", words: "mine"} {
		db := open(t, form)
		for setting, want := range map[string]string{
			"idle_in_transaction_session_timeout": "5s", "lock_timeout": "3s", "statement_timeout": "8s",
			"TimeZone": "UTC", "application_name": want,
		} {
			if got := ask[string](t, db, `select current_setting($1)`, setting); got != want {
				t.Errorf("%s: %s is %s, want %s", form, setting, got, want)
			}
		}
	}
}

func TestAnAddressThatCannotBeReadIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	if _, err := Open(DBConfig{URL: "postgres://%zz"}); err == nil {
		t.Error("accepted")
	}
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	db := open(t, "postgres://postgres@127.0.0.1:1/postgres?sslmode=disable")
	if err := db.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// Busy reads cannot keep a batch from being written, nor batches a fence.
func TestBatchesAndTheRestDoNotStarveEachOther(t *testing.T) {
	t.Parallel()
	address := databaseFor(t)
	db, err := Open(DBConfig{URL: address, Batches: 1, Others: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	line, err := db.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer line.keep()
	if _, err := db.Era(t.Context()); err != nil {
		t.Errorf("with every batch connection in use: %v", err)
	}
}

func TestAnOrdinaryUserCanReadTheEra(t *testing.T) {
	t.Parallel()
	address := databaseFor(t)
	db := open(t, address)
	db.exec(t, `create role plain_era login`)
	t.Cleanup(func() { dropRole(t, address, "plain_era") })
	db.exec(t, `grant folio_settler to plain_era`)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("plain_era")
	era, err := open(t, u.String()).Era(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := ask[string](t, db, `select current_era()`); era != want {
		t.Errorf("got %s, want %s", era, want)
	}
}

func dropRole(t testing.TB, address, role string) {
	db, err := Open(DBConfig{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{"drop owned by " + role, "drop role " + role} {
		if _, err := db.rest.Exec(statement); err != nil {
			t.Error(err)
		}
	}
}

func TestAConnectionThatIsKeptLivesNoLongerThanOthersWhenItLayAmongThemBefore(t *testing.T) {
	t.Parallel()
	const life = time.Second
	db, err := Open(DBConfig{URL: databaseFor(t), Life: life})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	first, longest := 0, time.Duration(0)
	eventually(t, "a connection is made anew", func() bool {
		l, err := db.connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer l.keep() // to lie among the others
		var pid int
		if err := l.conn.GetContext(t.Context(), &pid, `select pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = pid
		}
		begun := ask[time.Time](t, db, `select backend_start from pg_stat_activity where pid = $1`, pid)
		longest = max(longest, l.until.Sub(begun))
		return pid != first
	})
	if longest > life+life/5 {
		t.Errorf("a connection may be kept until it is %v old, and its life is %v", longest, life)
	}
}
