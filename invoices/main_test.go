package invoices

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"folio/internal/devcluster/postgres"

	"github.com/jmoiron/sqlx"
	"go.uber.org/goleak"
)

// server is the Postgres of all tests of this package.
var server struct {
	url      string // of its database postgres
	template sync.Once
	clones   atomic.Int64
}

func TestMain(m *testing.M) {
	end, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(end(), goleak.Find()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// startServer starts the server with its real settings: Check refuses one that
// is tuned for tests.
func startServer() (end func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "folio-invoices-")
	if err != nil {
		return nil, err
	}
	s, err := postgres.Start(ctx, postgres.Config{Dir: dir})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	server.url = s.URL("postgres")
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return errors.Join(s.Stop(ctx), os.RemoveAll(dir))
	}, nil
}

// databaseURL is the server's URL with another database.
func databaseURL(name string) string {
	u, err := url.Parse(server.url)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs one statement in the database postgres.
func admin(t testing.TB, statement string) {
	t.Helper()
	db := open(t, server.url)
	if _, err := db.rest.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(DBConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// emptyDatabase makes a database without a schema and returns its URL.
func emptyDatabase(t testing.TB) string {
	t.Helper()
	return makeDatabase(t, "template1")
}

func makeDatabase(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), server.clones.Add(1))
	admin(t, "create database "+name+" template "+template)
	t.Cleanup(func() {
		db, err := Open(DBConfig{URL: server.url})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.rest.ExecContext(context.Background(), "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return databaseURL(name)
}

// databaseFor makes a migrated database of the test's own, by cloning one that
// was migrated once, and returns its URL.
func databaseFor(t testing.TB) string {
	t.Helper()
	template := fmt.Sprintf("template_%d", os.Getpid())
	server.template.Do(func() {
		admin(t, "create database "+template)
		db, err := Open(DBConfig{URL: databaseURL(template)})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() // a template must have no session
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if *partitioned {
			if err := partition(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		}
	})
	return makeDatabase(t, template)
}

func migrated(t testing.TB) *DB {
	t.Helper()
	return open(t, databaseFor(t))
}

// seriesOf is a series without periods.
func seriesOf(tenant, name, format, onLoss string) Series {
	s := seriesDefaults(tenant, name)
	s.Format, s.OnLoss = format, onLoss
	return s
}

// CreateSeries makes a series that does not exist, even one whose format prints
// what another's does: SeriesBook.Put would refuse that.
func (db *DB) CreateSeries(ctx context.Context, s Series) error {
	if err := s.check(); err != nil {
		return err
	}
	return db.inTx(ctx, "create series "+s.Name+" of "+s.Tenant, func(tx *sqlx.Tx) error {
		if _, err := findTenant(ctx, tx, s.Tenant); err != nil {
			return err
		}
		return insertSeries(ctx, tx, s, time.Now().UTC().Truncate(time.Microsecond))
	})
}

// exec runs a statement as the tests' own hand.
func (db *DB) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := db.rest.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ask reads one value.
func ask[T any](t testing.TB, db *DB, query string, args ...any) (value T) {
	t.Helper()
	if err := db.rest.GetContext(t.Context(), &value, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// eventually polls until is reports true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}
