package invoices

import (
	"errors"
	"slices"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
)

func TestTheUnusedRestOfARangeIsListedAndVoid(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, granted(NumberRange{First: 10, Last: 60_019}))
	one, other := newReplica(t, db, store), newReplica(t, db, store)
	s := counter.Series{Tenant: "acme", Name: "caf"}
	held, err := other.numbers.TakeN(t.Context(), s, 10) // 10 to 19 are held by another replica
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range held {
		n.Return()
	}
	used := one.mustIssue(t, in("caf", request(who, "", "n"))).Invoice.Number
	book := &SeriesBook{DB: db, Ledgers: store, Numbers: one.numbers}
	unused, err := book.Unused(t.Context(), who, "caf", nil)
	want := accounts.Without([]counter.Range{{First: 10, Last: 60_019}}, []counter.Range{{First: used, Last: used}})
	if err != nil || unused.Count != 60_009 || !slices.Equal(unused.Ranges, want) || unused.Period != "" {
		t.Fatalf("unused: %+v, %v; want %v", unused, err, want)
	}
	if _, err := book.VoidUnused(t.Context(), who, "caf", nil, "failover"); !slices.Equal(pointers(err), []string{"/reason"}) {
		t.Errorf("void for a reason of folio's own: %v", err)
	}
	for range 2 { // harmless when repeated
		void, err := book.VoidUnused(t.Context(), who, "caf", nil, "annulled with the tax office")
		if err != nil || void.Count != 60_009 || !slices.Equal(void.Ranges, want) || void.Reason != "annulled with the tax office" {
			t.Fatalf("void: %+v, %v", void, err)
		}
	}
	if unused, err = book.Unused(t.Context(), who, "caf", nil); err != nil || unused.Count != 0 || len(unused.Ranges) != 0 {
		t.Errorf("then unused: %+v, %v", unused, err)
	}
	for _, r := range []*replica{one, other} {
		if _, err := r.Issue(t.Context(), in("caf", request(who, "", "n"))); !errors.Is(err, ErrSeriesExhausted) {
			t.Errorf("got %v, want ErrSeriesExhausted", err)
		}
	}
	// A new range, and the series goes on.
	db.put(t, granted(NumberRange{First: 70_001, Last: 80_000}))
	for _, r := range []*replica{one, other} {
		eventually(t, "the new range is used", func() bool {
			got, err := r.Issue(t.Context(), in("caf", request(who, "", "n")))
			return err == nil && got.Invoice.Number >= 70_001
		})
	}
	one.stop()
	other.stop()
	mustBeClean(t, db, store)
}

func TestTheRestOfARangeIsOfOnePeriod(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	who.Zone = zone(t, "Pacific/Kiritimati")
	db.put(t, with("caf", func(s *Series) { s.Period, s.Range = "year", &NumberRange{First: 1, Last: 5} }))
	r := newReplica(t, db, store)
	book := &SeriesBook{DB: db, Ledgers: store, Numbers: r.numbers,
		Now: func() time.Time { return time.Date(2025, 12, 31, 10, 0, 0, 0, time.UTC) }}
	if _, err := book.VoidUnused(t.Context(), who, "caf", ptr("2025"), ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		period *string
		want   string
		count  int64
	}{{ptr("2025"), "2025", 0}, {nil, "2026", 5}, {ptr("2026"), "2026", 5}} {
		got, err := book.Unused(t.Context(), who, "caf", c.period)
		if err != nil || got.Period != c.want || got.Count != c.count {
			t.Errorf("%+v, %v; want %s, %d", got, err, c.want, c.count)
		}
	}
	if got := ask[int](t, db, `select count(*) from documents where period = '2025' and reason = 'range_expired'`); got != 5 {
		t.Errorf("%d are void because the range expired, want 5", got)
	}
	for _, bad := range []string{"", "2026-01", "2o26"} {
		if _, err := book.Unused(t.Context(), who, "caf", ptr(bad)); !cmp.Equal(pointers(err), []string{"period"}) {
			t.Errorf("period %q: %v", bad, err)
		}
	}
	if _, err := book.VoidUnused(t.Context(), who, "caf", nil, "\x00"); !cmp.Equal(pointers(err), []string{"/reason"}) {
		t.Errorf("a reason that is none: %v", err)
	}
	if _, err := book.Unused(t.Context(), who, "invoice", nil); !errors.Is(err, ErrNoRange) {
		t.Errorf("a series without a range: %v", err)
	}
	if _, err := book.Unused(t.Context(), who, "nope", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("no series: %v", err)
	}
	db.put(t, granted(NumberRange{First: 1, Last: 20_000_000}).named("huge"))
	if _, err := book.VoidUnused(t.Context(), who, "huge", nil, ""); !errors.Is(err, ErrTooMany) {
		t.Errorf("twenty million: %v", err)
	}
}
