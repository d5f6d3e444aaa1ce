package invoices

import (
	"testing"

	"github.com/pressly/goose/v3"
)

// A tenant from before there were series for credit notes gets one, with the rules
// that a new tenant's has.
func TestATenantFromBeforeGetsASeriesForCreditNotes(t *testing.T) {
	t.Parallel()
	db := open(t, emptyDatabase(t))
	steps, err := goose.NewProvider(goose.DialectPostgres, db.rest.DB, migrations())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := steps.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
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
