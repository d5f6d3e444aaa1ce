package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"go.uber.org/goleak"

	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
	"folio/invoices"
)

// stores are what every test examines; each puts right what it has put wrong.
var stores struct {
	etcd     *etcd.Cluster // three members
	postgres *postgres.Server
}

const database = "books"

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "folio-doctor-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = startStores(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code = m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = errors.Join(stores.etcd.Close(ctx), stores.postgres.Stop(ctx), postgres.Remove(dir+"/postgres"), goleak.Find())
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// startStores starts a Postgres with its real settings, and an etcd.
func startStores(dir string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if stores.etcd, err = etcd.Start(ctx, etcd.Config{Dir: dir + "/etcd", Members: 3, Fast: true}); err != nil {
		return err
	}
	if stores.postgres, err = postgres.Start(ctx, postgres.Config{Dir: dir + "/postgres"}); err != nil {
		return err
	}
	if err = stores.postgres.EnsureDatabase(ctx, database); err != nil {
		return err
	}
	db, err := invoices.Open(invoices.DBConfig{URL: stores.postgres.URL(database)})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx), db.Close())
}

// within bounds what a test asks of the stores itself.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// healthy is a replica of which nothing is wrong.
func healthy() Patient {
	return Patient{
		Endpoints: stores.etcd.Endpoints(), Postgres: invoices.DBConfig{URL: stores.postgres.URL(database)},
		LeaseTTL: 10 * time.Second, PodName: "folio-7c9f-x2x4",
	}
}

// administer runs statements in folio's database, one by one.
func administer(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("postgres", stores.postgres.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(within(t), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// ask reads one text.
func ask(t *testing.T, query string) (value string) {
	t.Helper()
	db, err := sql.Open("postgres", stores.postgres.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(within(t), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// settle waits until the server has read its settings again.
func settle(t *testing.T) {
	t.Helper()
	before := ask(t, `select pg_conf_load_time()`)
	administer(t, `select pg_reload_conf()`)
	eventually(t, "the settings are read again", func() bool { return ask(t, `select pg_conf_load_time()`) != before })
}

// set sets settings of the server until the test ends.
func set(t *testing.T, settings ...string) {
	t.Helper()
	for _, s := range settings {
		administer(t, "alter system set "+s)
	}
	settle(t)
	t.Cleanup(func() {
		for _, s := range settings {
			name, _, _ := strings.Cut(s, " ")
			administer(t, "alter system reset "+name)
		}
		settle(t)
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within thirty seconds: %s", what)
		}
	}
}

// as is the database URL with another user, password and settings.
func as(t *testing.T, user, password, more string) invoices.DBConfig {
	t.Helper()
	u, err := url.Parse(stores.postgres.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return invoices.DBConfig{URL: u.String() + more}
}

// wrong is what is expected of a finding.
type wrong struct {
	state State
	check string // part/check
	do    string // a part of what to do
}

// find examines and expects what was planted, and no other warning or fault.
func find(t *testing.T, p Patient, want ...wrong) Report {
	t.Helper()
	r := Examine(t.Context(), p)
	left := slices.Clone(want)
	for _, f := range r.Findings {
		if f.State == OK || f.State == Unknown {
			continue
		}
		if f.Do == "" {
			t.Errorf("of %+v it does not say what to do", f)
		}
		is := func(w wrong) bool {
			return w.state == f.State && w.check == f.Part+"/"+f.Check && strings.Contains(f.Do, w.do)
		}
		if i := slices.IndexFunc(left, is); i >= 0 {
			left = slices.Delete(left, i, i+1)
			t.Logf("%s %s/%s %s: %s -> %s", f.State, f.Part, f.Check, f.On, f.Seen, f.Do)
			continue
		}
		t.Errorf("found, and not planted: %+v", f)
	}
	for _, w := range left {
		t.Errorf("planted, and not found: %+v", w)
	}
	return r
}
