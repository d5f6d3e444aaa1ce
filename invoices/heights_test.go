package invoices

import (
	"fmt"
	"testing"

	"folio/counter"

	"github.com/google/go-cmp/cmp"
)

// voidRow stores a row that needs no document.
func voidRow(t testing.TB, db *DB, s counter.Series, n int64, reason string) {
	t.Helper()
	const insert = `insert into documents (tenant, series, period, number, status, created_at, reason) values ($1, $2, $3, $4, 'void', now(), $5)`
	if _, err := db.rest.ExecContext(t.Context(), insert, s.Tenant, s.Name, s.Period, n, reason); err != nil {
		t.Fatal(err)
	}
}

func TestHeightsAreThoseOfAllBlockSeriesThatHaveRows(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	db.put(t, with("strict", func(s *Series) { s.Numbering = numberingStrict }))
	want := []Height{
		{counter.Series{Tenant: "acme", Name: "invoice"}, 7},
		{counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}, 900},
		{counter.Series{Tenant: "acme", Name: "web", Period: "2026"}, 1},
		{counter.Series{Tenant: "bolt", Name: "invoice", Period: "2026"}, 2},
	}
	for _, h := range want {
		voidRow(t, db, h.Series, 1, "seek")
		if h.Highest > 1 {
			voidRow(t, db, h.Series, h.Highest, reasonRestore)
		}
	}
	voidRow(t, db, counter.Series{Tenant: "acme", Name: "strict"}, 5, "seek")
	year := "2026"
	for name, row := range map[string]struct {
		f    counter.Selection
		want []Height
	}{
		"all":      {counter.Selection{}, want},
		"tenant":   {counter.Selection{Tenant: "acme"}, want[:3]},
		"series":   {counter.Selection{Tenant: "acme", Name: "invoice"}, want[:2]},
		"period":   {counter.Selection{Tenant: "acme", Name: "invoice", Period: &year}, want[1:2]},
		"no such":  {counter.Selection{Tenant: "ac"}, nil},
		"a strict": {counter.Selection{Tenant: "acme", Name: "strict"}, nil},
	} {
		got, err := db.Heights(t.Context(), row.f)
		if err != nil || !cmp.Equal(got, row.want) {
			t.Errorf("%s: %v, %v", name, cmp.Diff(got, row.want), err)
		}
	}
	if n, err := db.CountVoids(t.Context(), want[1].Series, counter.Range{First: 1, Last: 900}, reasonRestore); n != 1 || err != nil {
		t.Errorf("%d are void for a restore, %v; want 1", n, err)
	}
}

// More series than one statement reads.
func TestHeightsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	const insert = `
		insert into documents (tenant, series, period, number, status, created_at, reason)
		select 't' || lpad(t::text, 5, '0'), 'invoice', p, n, 'void', now(), 'seek'
		from generate_series(1, $1) as t, unnest(array['2025', '2026']) as p, generate_series(1, 2) as n`
	const tenants = heightsAtOnce + 7
	if _, err := db.rest.ExecContext(t.Context(), insert, tenants); err != nil {
		t.Fatal(err)
	}
	got, err := db.Heights(t.Context(), counter.Selection{})
	if err != nil || len(got) != 2*tenants {
		t.Fatalf("%d series, %v; want %d", len(got), err, 2*tenants)
	}
	for i, h := range got {
		if want := fmt.Sprintf("t%05d/invoice/%d", i/2+1, 2025+i%2); h.String() != want || h.Highest != 2 {
			t.Fatalf("%s up to %d; want %s up to 2", h, h.Highest, want)
		}
	}
}

func TestALedgerThatWasLostBeginsNoLaterThanItsRows(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	db.put(t, with("web", func(s *Series) { s.Start = 5001 }))
	s := counter.Series{Tenant: "acme", Name: "web"}
	first := func() int64 {
		t.Helper()
		rules, err := (&CounterRules{DB: db}).Rules(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return rules.First
	}
	if got := first(); got != 5001 {
		t.Errorf("before the first row it begins at %d, want 5001", got)
	}
	voidRow(t, db, s, 5003, "seek")
	if got := first(); got != 5001 {
		t.Errorf("it begins at %d; 5001 may have been given and lost", got)
	}
	voidRow(t, db, s, 12, "seek") // of the time before its rule was changed
	if got := first(); got != 12 {
		t.Errorf("it begins at %d, above its first row, 12", got)
	}
}

func TestNumbersThatHaveRowsAreKnown(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for _, n := range []int64{3, 4, 9} {
		voidRow(t, db, testSeries, n, "seek")
	}
	spent, err := (&Owner{DB: db}).Spent(t.Context(), testSeries, []counter.Range{{First: 1, Last: 3}, {First: 5, Last: 8}, {First: 9, Last: 12}})
	if want := []counter.Range{{First: 3, Last: 3}, {First: 9, Last: 9}}; err != nil || !cmp.Equal(spent, want) {
		t.Errorf("spent are %v, %v; want %v", spent, err, want)
	}
	other := testSeries
	other.Period = "2025"
	have, err := db.HaveRows(t.Context(), []SeriesRange{
		{testSeries, counter.Range{First: 5, Last: 8}}, {testSeries, counter.Range{First: 5, Last: 9}}, {other, counter.Range{First: 1, Last: 9}},
	})
	if want := []bool{false, true, false}; err != nil || !cmp.Equal(have, want) {
		t.Errorf("have rows: %v, %v; want %v", have, err, want)
	}
}
