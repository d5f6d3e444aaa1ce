package invoices

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
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

// What a request was refused for before it was found to be a repeat is no refusal.
func TestARepeatWhoseRangeHasExpiredIsNotCountedAsRefused(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, granted(NumberRange{First: 1, Last: 2, ExpiresOn: "2026-03-15"}))
	r := newReplica(t, db, store)
	r.at(time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC))
	numbers := wish(who, "numbers", 1)
	numbers.Series = "caf"
	r.mustIssue(t, in("caf", request(who, "invoice", "n")))
	r.mustTake(t, numbers)
	repeat := func(when string) {
		if got := r.mustIssue(t, in("caf", request(who, "invoice", "n"))); !got.Replayed {
			t.Errorf("%s: %+v is no repeat", when, got)
		}
		if got := r.mustTake(t, numbers); !got.Replayed {
			t.Errorf("%s: %+v is no repeat", when, got)
		}
	}
	repeat("when no number is left")
	r.at(r.Now().AddDate(1, 0, 0))
	repeat("when the range has expired")
	if s := r.RangeStats(); s != (RangeStats{}) {
		t.Errorf("counted %+v, and nothing was refused", s)
	}
	for i, want := range []RangeStats{{Expired: 1}, {Expired: 2}} {
		var err error
		if i == 0 {
			_, err = r.Issue(t.Context(), in("caf", request(who, "another", "n")))
		} else {
			_, err = r.TakeNumbers(t.Context(), NumbersRequest{Identity: who, ID: "others", Series: "caf", Count: 2})
		}
		if s := r.RangeStats(); s != want || !errors.Is(err, ErrSeriesExpired) {
			t.Errorf("counted %+v, want %+v; %v", s, want, err)
		}
	}
	r.stop()
	mustBeClean(t, db, store)
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
		if err == nil && got.Invoice.Number > 3 && got.Invoice.CreatedAt.Sub(put) > believedUntold {
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
