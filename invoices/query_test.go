package invoices

import (
	"errors"
	"fmt"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// books is a tenant with documents in two series and two periods, and voids.
func books(t *testing.T) (*DB, Identity) {
	t.Helper()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	other := seriesOf("acme", "export", "E-{seq:4}", "reuse")
	if err := db.CreateSeries(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, db, &countertest.Mem{})
	for i := range 7 {
		req := request(who, "", "n")
		switch i % 3 {
		case 1:
			req.Draft.Series = "export"
		case 2:
			req.Draft.IssueDate = "2025-12-31"
		}
		r.mustIssue(t, req)
	}
	r.stop()
	enrolled(t, db, "voider")
	if err := (&Owner{DB: db}).Void(t.Context(), "voider", series2026(who), []counter.Range{{First: 2, Last: 9}}, "test"); err != nil {
		t.Fatal(err)
	}
	return db, who
}

// places names invoices by series, period and number.
func places(p Page) (all []string) {
	for _, i := range p.Invoices {
		all = append(all, fmt.Sprintf("%s/%s/%d", i.Series, i.Period, i.Number))
	}
	return all
}

func TestAListGoesThroughAllInvoicesInOrder(t *testing.T) {
	t.Parallel()
	db, who := books(t)
	want := []string{"export//1", "export//2", "invoice/2025/1", "invoice/2025/2", "invoice/2026/1", "invoice/2026/2", "invoice/2026/3"}
	for limit := 1; limit <= 8; limit++ {
		var got []string
		q := Query{Limit: limit}
		for {
			p, err := db.List(t.Context(), who.Tenant, q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, places(p)...)
			if q.Cursor = p.NextCursor; q.Cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d, want (-) got (+):\n%s", limit, diff)
		}
	}
}

func TestAListCanBeNarrowed(t *testing.T) {
	t.Parallel()
	db, who := books(t)
	none, year := "", "2025"
	for _, row := range []struct {
		name string
		q    Query
		want []string
	}{
		{"series", Query{Series: "export"}, []string{"export//1", "export//2"}},
		{"period", Query{Series: "invoice", Period: &year}, []string{"invoice/2025/1", "invoice/2025/2"}},
		{"no period", Query{Series: "export", Period: &none}, []string{"export//1", "export//2"}},
		{"number and period", Query{Number: 2, Period: &year}, []string{"invoice/2025/2"}},
		{"number", Query{Number: 2}, []string{"export//2", "invoice/2025/2", "invoice/2026/2"}},
		{"number, paged", Query{Number: 2, Limit: 1}, []string{"export//2"}},
		{"all three", Query{Series: "invoice", Period: &year, Number: 2}, []string{"invoice/2025/2"}},
		{"a void", Query{Number: 9}, nil},
		{"nothing", Query{Series: "none"}, nil},
	} {
		p, err := db.List(t.Context(), who.Tenant, row.q)
		if diff := cmp.Diff(row.want, places(p)); err != nil || diff != "" {
			t.Errorf("%s: %v, want (-) got (+):\n%s", row.name, err, diff)
		}
	}
}

func TestABadCursorLimitOrPeriodIsAFieldError(t *testing.T) {
	t.Parallel()
	db, who := books(t)
	year := "2025"
	if _, err := db.List(t.Context(), who.Tenant, Query{Period: &year}); !cmp.Equal(pointers(err), []string{"period"}) {
		t.Errorf("a period of no series: %v", err)
	}
	elsewhere := key{Series: testSeries, Number: 1}
	elsewhere.Tenant = "globex"
	for _, cursor := range []string{"x", "cur_", elsewhere.encode(cursorPrefix), key{Series: testSeries, Number: 1}.encode(idPrefix)} {
		if _, err := db.List(t.Context(), who.Tenant, Query{Cursor: cursor}); !cmp.Equal(pointers(err), []string{"cursor"}) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
	for _, limit := range []int{-1, 101} {
		if _, err := db.List(t.Context(), who.Tenant, Query{Limit: limit}); !cmp.Equal(pointers(err), []string{"limit"}) {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

func TestAnotherTenantsInvoiceIsNotFound(t *testing.T) {
	t.Parallel()
	db, who := books(t)
	p, err := db.List(t.Context(), who.Tenant, Query{Limit: 1})
	if err != nil || len(p.Invoices) != 1 {
		t.Fatal(err)
	}
	id := p.Invoices[0].ID
	if _, err := db.Invoice(t.Context(), who.Tenant, id); err != nil {
		t.Error(err)
	}
	void := key{Series: series2026(who), Number: 9}.encode(idPrefix)
	for _, row := range []struct{ tenant, id string }{{"globex", id}, {who.Tenant, "inv_nothing"}, {who.Tenant, ""}, {who.Tenant, void}} {
		if _, err := db.Invoice(t.Context(), row.tenant, row.id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v, want ErrNotFound", row, err)
		}
	}
	if q, err := db.List(t.Context(), "globex", Query{}); err != nil || len(q.Invoices) != 0 {
		t.Errorf("another tenant lists %v, %v", places(q), err)
	}
}
