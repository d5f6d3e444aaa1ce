package invoices

import (
	"testing"

	"github.com/pressly/goose/v3"
)

// A tenant from before there were series for credit notes gets one, with the rules
// that a new tenant's has.
func TestATenantFromBeforeGetsASeriesForCreditNotes(t *testing.T) {
	t.Parallel()
	db := migratedTo(t, 1)
	db.exec(t, `insert into tenants (name, time_zone, created_at) values ('acme', 'UTC', now())`)
	db.exec(t, `insert into series (tenant, name, format, period, on_loss, created_at) values ('acme', 'invoice', 'INV-{yyyy}-{seq:6}', 'year', 'reuse', now())`)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	newTenant(t, db, "new")
	was, got := listed(t, db, "new"), listed(t, db, "acme")
	if len(got) != 2 || asJSON(t, got) != asJSON(t, was) {
		t.Errorf("the series are\n%s, those of a new tenant\n%s", asJSON(t, got), asJSON(t, was))
	}
}

func listed(t *testing.T, db *DB, tenant string) []Series {
	t.Helper()
	all, err := db.ListSeries(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// migratedTo makes a database with the schema of an earlier program.
func migratedTo(t *testing.T, version int64) *DB {
	t.Helper()
	db := open(t, emptyDatabase(t))
	steps, err := goose.NewProvider(goose.DialectPostgres, db.rest.DB, migrations())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steps.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return db
}

const voidsIndexIsValid = `select indisvalid from pg_index where indexrelid = to_regclass('documents_voids')`

// Making an index of a table that is written to takes its time, as it waits for whoever
// began before, longer than any other lock is waited for. Writers do not wait for it.
func TestInvoicesAreWrittenWhileTheVoidsAreIndexed(t *testing.T) {
	t.Parallel()
	db := migratedTo(t, 8)
	slow, err := db.rest.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Rollback()
	const insert = `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'x', '', $1, 'void', now(), 'test')`
	if _, err := slow.ExecContext(t.Context(), insert, 1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- db.Migrate(t.Context()) }()
	n := 2
	eventually(t, "the index was waited for longer than a lock is", func() bool {
		db.exec(t, insert, n)
		n++
		return ask[bool](t, db, `select exists (select from pg_stat_activity where datname = current_database()
			and query like 'create index concurrently%' and wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '3.5 s')`)
	})
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !ask[bool](t, db, voidsIndexIsValid) {
		t.Error("the index cannot be used")
	}
}

// What a migration outside a transaction had done before it was interrupted is no
// obstacle to the next run.
func TestAMigrationThatWasInterruptedIsRunAgain(t *testing.T) {
	t.Parallel()
	db := migratedTo(t, 9)
	db.exec(t, `insert into audited (tenant, series, period, first, mark, issued, void, audited_at) values ('acme', 'x', '', 1, 2, 1, 1, now())`)
	db.exec(t, `update pg_index set indisvalid = false where indexrelid = to_regclass('documents_voids')`)
	db.exec(t, `delete from goose_db_version where version_id = 9`)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !ask[bool](t, db, voidsIndexIsValid) || ask[int](t, db, `select count(*) from audited`) != 1 {
		t.Error("the index is not whole, or the notes are gone")
	}
}
