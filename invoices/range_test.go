package invoices

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// granted is the series caf of acme with a range.
func granted(r NumberRange) Series {
	return with("caf", func(s *Series) { s.Range = &r })
}

func TestNumbersOfAGrantedRangeAreItsOwnAndThenItIsExhausted(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, granted(NumberRange{First: 41, Last: 46, WarnLeft: 2}))
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	var left []int64
	for i := range 6 {
		got := replicas[i%2].mustIssue(t, in("caf", request(who, fmt.Sprint(i), "n")))
		if got.Invoice.Number != 41+int64(i) {
			t.Errorf("request %d got %d", i, got.Invoice.Number)
		}
		if got.RangeLeft != nil {
			left = append(left, *got.RangeLeft)
		}
	}
	if want := []int64{2, 1, 0}; !slices.Equal(left, want) {
		t.Errorf("warned of %v left, want %v", left, want)
	}
	for _, r := range replicas {
		if _, err := r.Issue(t.Context(), in("caf", request(who, "", "n"))); !errors.Is(err, ErrSeriesExhausted) {
			t.Errorf("got %v, want ErrSeriesExhausted", err)
		}
		if again := r.mustIssue(t, in("caf", request(who, "0", "n"))); !again.Replayed || again.RangeLeft != nil {
			t.Errorf("a repeat: %+v", again)
		}
		_, err := r.TakeNumbers(t.Context(), NumbersRequest{Identity: who, ID: "x", Series: "caf", Count: 1})
		if !errors.Is(err, ErrSeriesExhausted) {
			t.Errorf("a number for a document elsewhere: %v", err)
		}
	}
	if s := replicas[0].RangeStats(); s.Low+replicas[1].RangeStats().Low != 3 || s.Exhausted != 2 || s.Expired != 0 {
		t.Errorf("counted %+v and %+v", s, replicas[1].RangeStats())
	}
	mustBeClean(t, db, store)
}

func TestAStartWithinARangeCounts(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, with("caf", func(s *Series) { s.Start, s.Range = 45, &NumberRange{First: 41, Last: 99} }))
	db.put(t, with("web", func(s *Series) { s.Start = 1000 }))
	r := newReplica(t, db, store)
	for series, want := range map[string]int64{"caf": 45, "web": 1000} {
		if got := r.mustIssue(t, in(series, request(who, "", "n"))); got.Invoice.Number != want {
			t.Errorf("%s starts at %d, want %d", series, got.Invoice.Number, want)
		}
	}
	mustBeClean(t, db, store)
}

func TestARangeExpiresForItsIssueDatesAndForToday(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	who.Zone = zone(t, "Pacific/Kiritimati") // where the day begins at 10:00 UTC of the day before
	db.put(t, granted(NumberRange{First: 1, Last: 100, ExpiresOn: "2026-03-15"}))
	r := newReplica(t, db, &countertest.Mem{})
	ends := time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		now  time.Time
		date string
		ok   bool
	}{
		{ends.Add(-time.Microsecond), "2026-03-14", true},
		{ends.Add(-time.Microsecond), "", true},
		{ends.Add(-time.Microsecond), "2026-03-15", false}, // dated when it has expired
		{ends, "2026-03-14", false},                        // today it has expired
		{ends, "", false},
		{ends.AddDate(1, 0, 0), "2026-03-01", false},
	} {
		r.at(c.now)
		req := in("caf", request(who, "", "n"))
		req.Draft.IssueDate = c.date
		_, err := r.Issue(t.Context(), req)
		if (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrSeriesExpired) {
			t.Errorf("at %s, dated %q: %v", c.now, c.date, err)
		}
	}
	_, err := r.TakeNumbers(t.Context(), NumbersRequest{Identity: who, ID: "x", Series: "caf", Count: 1, IssueDate: "2026-03-01"})
	if !errors.Is(err, ErrSeriesExpired) || r.RangeStats().Expired != 5 {
		t.Errorf("%v, counted %+v", err, r.RangeStats())
	}
}

// A replica holds a block when the range is changed: what lies above the new one is
// not given, what lies below it becomes void, and the series goes on.
func TestARangeThatChangesUnderAHeldBlockIsKept(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, granted(NumberRange{First: 1, Last: 100}))
	r := newReplica(t, db, store)
	s := counter.Series{Tenant: "acme", Name: "caf"}
	numbers, err := r.numbers.TakeN(t.Context(), s, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		n.Return() // now the shelf has 20 numbers
	}
	db.put(t, granted(NumberRange{First: 1, Last: 3}))
	put := time.Now()
	eventually(t, "the lower end is followed", func() bool {
		got, err := r.Issue(t.Context(), in("caf", request(who, "", "n")))
		if err == nil && got.Invoice.Number > 3 && got.Invoice.CreatedAt.Sub(put) > cacheFor {
			t.Fatalf("%d was issued, beyond the end of the range", got.Invoice.Number)
		}
		return errors.Is(err, ErrSeriesExhausted)
	})
	db.put(t, granted(NumberRange{First: 501, Last: 900}))
	eventually(t, "the new range is followed", func() bool {
		got, err := r.Issue(t.Context(), in("caf", request(who, "", "n")))
		return err == nil && got.Invoice.Number >= 501
	})
	r.stop()
	mustBeClean(t, db, store)
	if n := ask[int](t, db, `select count(*) from documents where series = 'caf' and reason = $1 and number between 4 and 500`, reasonOutOfRange); n == 0 {
		t.Error("nothing of what was left behind is void")
	}
	if n := ask[int](t, db, `select count(*) from documents where series = 'caf' and number < 501`); n != 500 {
		t.Errorf("%d of the 500 numbers left behind have a row", n)
	}
}

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
	want := without([]counter.Range{{First: 10, Last: 60_019}}, []counter.Range{{First: used, Last: used}})
	if err != nil || unused.Count != 60_009 || !slices.Equal(unused.Ranges, want) || unused.Period != "" {
		t.Fatalf("unused: %+v, %v; want %v", unused, err, want)
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
	for _, bad := range []string{"", "2026-01"} {
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

func (s Series) named(name string) Series {
	s.Name = name
	return s
}

func ptr[T any](v T) *T { return &v }

// What was freed longer ago than the series allows has a row, with its reason.
func TestAFreedNumberThatIsTooOldIsVoid(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, with("web", func(s *Series) { s.ReuseWithin = 0 }))
	db.put(t, with("shop", func(*Series) {}))
	first := newReplica(t, db, store)
	for _, name := range []string{"web", "shop"} {
		n, err := first.numbers.Take(t.Context(), counter.Series{Tenant: "acme", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		n.Return()
	}
	first.stop() // 1 is free, in both
	second := newReplica(t, db, store)
	for series, want := range map[string]int64{"web": 2, "shop": 1} {
		if got := second.mustIssue(t, in(series, request(who, "", "n"))).Invoice.Number; got != want {
			t.Errorf("%s: %d, want %d", series, got, want)
		}
	}
	if got := ask[string](t, db, `select series || ' ' || number || ' ' || reason from documents where status = 'void'`); got != "web 1 released_late" {
		t.Errorf("void: %s", got)
	}
	second.stop()
	mustBeClean(t, db, store)
}
