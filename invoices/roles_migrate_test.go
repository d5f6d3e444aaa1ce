package invoices

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/internal/devcluster/postgres"
)

// newServer starts a server of the test's own, on which no role exists yet, and
// returns the URL of a database for a user.
func newServer(t *testing.T) (urlOf func(user, database string) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := postgres.Start(ctx, postgres.Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return func(user, database string) string {
		u, err := url.Parse(s.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.User(user)
		return u.String()
	}
}

// The roles are the server's: databases that migrate at the same moment meet.
func TestDatabasesOfOneServerMigrateAtOnce(t *testing.T) {
	t.Parallel()
	urlOf := newServer(t)
	admin := open(t, urlOf("postgres", "postgres"))
	admin.exec(t, `create role maker login createrole`)
	admin.exec(t, `create role outsider login`)
	const databases = 6
	for i := range databases {
		admin.exec(t, fmt.Sprintf(`create database d%d owner maker`, i))
	}
	var wg sync.WaitGroup
	for i := range databases {
		db := open(t, urlOf("maker", fmt.Sprint("d", i)))
		wg.Go(func() {
			if err := db.Migrate(t.Context()); err != nil {
				t.Errorf("d%d: %v", i, err)
			}
			if err := db.checkRoles(t.Context()); err != nil {
				t.Errorf("d%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	err := open(t, urlOf("outsider", "d0")).checkRoles(t.Context())
	if err == nil || !strings.Contains(err.Error(), "grant folio_") {
		t.Errorf("a user who may not take the roles: %v, want an error that says what to grant", err)
	}
}

func TestAUserWhoMayNotMakeRolesIsToldWhatToRun(t *testing.T) {
	t.Parallel()
	urlOf := newServer(t)
	admin := open(t, urlOf("postgres", "postgres"))
	admin.exec(t, `create role "plain user" login`)
	admin.exec(t, `create database plain owner "plain user"`)
	db := open(t, urlOf("plain user", "plain"))
	err := db.Migrate(t.Context())
	if err == nil {
		t.Fatal("migrated without the right to make roles")
	}
	_, rest, told := strings.Cut(err.Error(), "run: ")
	statements, _, ended := strings.Cut(rest, "; leave out")
	if !told || !ended || !strings.Contains(statements, `to "plain user"`) {
		t.Fatalf("%v: does not say what to run", err)
	}
	admin.exec(t, statements)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("after %s: %v", statements, err)
	}
	if err := db.checkRoles(t.Context()); err != nil {
		t.Error(err)
	}
	newTenant(t, db, "acme")
}
