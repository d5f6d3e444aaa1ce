package invoices

import (
	"context"
	"errors"
	"strings"
	"testing"

	"folio/counter/countertest"

	"github.com/jmoiron/sqlx"
)

func TestAStatementThatForgetsTheTenantReadsNothingOfOthers(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	r := newReplica(t, db, store)
	for _, name := range []string{"acme", "globex"} {
		r.mustIssue(t, request(newTenant(t, db, name), "", "n"))
	}
	counts := func(q sqlx.QueryerContext) (n [3]int) {
		t.Helper()
		for i, table := range []string{"documents", "series", "tenants"} {
			if err := sqlx.GetContext(t.Context(), q, &n[i], `select count(*) from `+table); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	db.reads.SetMaxOpenConns(1) // one after the other on one connection
	for range 2 {
		for tenant, want := range map[string][3]int{"acme": {1, 2, 1}, "globex": {1, 2, 1}, "nobody": {}, "": {}, "acme' or '1'='1": {}} {
			err := db.read(t.Context(), tenant, "count", func(q sqlx.QueryerContext) error {
				if got := counts(q); got != want {
					t.Errorf("reading for %q: %v, want %v", tenant, got, want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if got := counts(db.reads); got != [3]int{} {
				t.Errorf("after a read for %q its connection sees %v", tenant, got)
			}
		}
	}
	// The teeth: without the wall the same statements read everything; and a
	// setting that outlived its transaction would show above.
	if got := counts(db.rest); got != [3]int{2, 4, 2} {
		t.Errorf("the owner reads %v", got)
	}
	if _, err := db.reads.Exec(`set folio.tenant = 'acme'`); err != nil {
		t.Fatal(err)
	}
	if got := counts(db.reads); got != [3]int{1, 2, 1} {
		t.Errorf("a setting that leaks shows %v", got)
	}
}

// Whatever ends a read, its connection is used again without its transaction.
func TestAReadThatFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	db.reads.SetMaxOpenConns(1)
	clean := func(after string) {
		t.Helper()
		var setting string
		err := db.reads.Get(&setting, `select coalesce(current_setting('folio.tenant', true), '')`)
		if err != nil || setting != "" {
			t.Errorf("after %s: %q, %v", after, setting, err)
		}
	}
	err := db.read(t.Context(), "acme", "fail", func(q sqlx.QueryerContext) error {
		_, err := q.QueryContext(t.Context(), `select 1/0`)
		return err
	})
	if err == nil {
		t.Error("a statement that fails: no error")
	}
	clean("a statement that fails")
	ctx, cancel := context.WithCancel(t.Context())
	err = db.read(ctx, "acme", "be cut off", func(q sqlx.QueryerContext) error {
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("a reader that left: %v", err)
	}
	clean("a reader that left")
	err = db.read(t.Context(), "acme", "write", func(q sqlx.QueryerContext) error {
		_, err := q.QueryContext(t.Context(), `create temporary table t ()`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a read that writes: %v", err)
	}
	clean("a read that writes")
}

func TestAReadGoesOnWhenItsConnectionsBroke(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	if _, err := db.Tenant(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	db.exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
	if _, err := db.Tenant(t.Context(), "acme"); err != nil {
		t.Error(err)
	}
}

func TestAReadTakesOneRoundTripMoreThanItsStatementAlone(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	newTenant(t, open(t, url), "acme")
	db, p := throughProxy(t, url)
	trips := func(read func() error) int64 {
		t.Helper()
		if err := read(); err != nil { // connects
			t.Fatal(err)
		}
		before := p.trips.Load()
		if err := read(); err != nil {
			t.Fatal(err)
		}
		return p.trips.Load() - before
	}
	alone := trips(func() error { _, err := readTenant(t.Context(), db.rest, "acme", ``); return err })
	if walled := trips(func() error { _, err := db.Tenant(t.Context(), "acme"); return err }); walled != alone+1 {
		t.Errorf("%d round trips, and %d for the statement alone", walled, alone)
	}
}
