package invoices

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// put makes or changes a series, which must go well.
func (db *DB) put(t testing.TB, s Series) Series {
	t.Helper()
	got, _, err := (&SeriesBook{DB: db}).Put(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// with returns a series of acme named name, changed.
func with(name string, change func(*Series)) Series {
	s := NewSeries("acme", name)
	change(&s)
	return s
}

// in is a request for an invoice in a series.
func in(series string, r Request) Request {
	r.Draft.Series = series
	return r
}

func TestASeriesIsMadeReadAndChanged(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	book := &SeriesBook{DB: db, Ledgers: &countertest.Mem{}}
	full := Series{
		Tenant: "acme", Name: "web", Numbering: "block", Format: "W{yy}{mm}/{seq:4}", Period: "month", Start: 100, OnLoss: "void",
		ReuseWithin: Span(90 * time.Minute), Document: "credit_note", ClosedThrough: "2025-12-31",
		Range: &NumberRange{First: 50, Last: 5000, ExpiresOn: "2027-01-01", WarnLeft: 10},
	}
	for _, c := range []struct {
		put, want Series
		made      bool
	}{
		{full, full, true},
		{full, full, false}, // harmless when repeated
		{NewSeries("acme", "web"), Series{
			Tenant: "acme", Name: "web", Numbering: "block", Format: "{series}-{seq:6}", Period: "none", Start: 1, OnLoss: "reuse",
			ReuseWithin: Span(24 * time.Hour), Document: "invoice",
		}, false},
	} {
		got, made, err := book.Put(t.Context(), c.put)
		if err != nil || made != c.made {
			t.Fatalf("made %v, %v; want %v", made, err, c.made)
		}
		read, err := book.Find(t.Context(), "acme", "web")
		if err != nil || !cmp.Equal(got, c.want) || !cmp.Equal(read, c.want) {
			t.Errorf("%v\nanswered (-) and wanted (+):\n%s\nread (-) and wanted (+):\n%s", err, cmp.Diff(got, c.want), cmp.Diff(read, c.want))
		}
	}
	all, err := book.List(t.Context(), "acme")
	if err != nil || len(all) != 3 || all[0].Name != "credit-note" || all[1].Name != "invoice" || all[2].Name != "web" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := book.Find(t.Context(), "globex", "web"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of another tenant: %v", err)
	}
	if _, _, err := book.Put(t.Context(), Series{Tenant: "nobody", Name: "web", Start: 1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no tenant: %v", err)
	}
}

func TestWhatASeriesLeavesOutFollowsFromItsNameAndPeriod(t *testing.T) {
	for _, c := range []struct{ name, period, format, wantPeriod string }{
		{"invoice", "", "INV-{yyyy}-{seq:6}", "year"},
		{"credit-note", "", "CN-{yyyy}-{seq:6}", "year"},
		{"invoice", "month", "{series}-{yyyy}-{mm}-{seq:6}", "month"},
		{"web", "", "{series}-{seq:6}", "none"},
		{"web", "year", "{series}-{yyyy}-{seq:6}", "year"},
	} {
		s := with(c.name, func(s *Series) {
			if c.period != "" {
				s.Period = c.period
			}
		}).complete()
		if s.Format != c.format || s.Period != c.wantPeriod || s.check() != nil {
			t.Errorf("%s %q: %s, %s, %v", c.name, c.period, s.Format, s.Period, s.check())
		}
	}
}

func TestEachBadFieldOfASeriesIsNamed(t *testing.T) {
	for want, change := range map[string]func(*Series){
		"/name":             func(s *Series) { s.Name = "A/b" },
		"/numbering":        func(s *Series) { s.Numbering = "none" },
		"/format":           func(s *Series) { s.Format = "{seq}{seq}" },
		"/format ":          func(s *Series) { s.Period = "year"; s.Format = "A-{seq}" },
		"/format  ":         func(s *Series) { s.Period = "month"; s.Format = "A-{yyyy}-{seq}" },
		"/format   ":        func(s *Series) { s.Format = strings.Repeat("x", 200) + "{seq}" },
		"/period":           func(s *Series) { s.Period = "week" },
		"/start":            func(s *Series) { s.Start = 0 },
		"/start ":           func(s *Series) { s.Start = counter.MaxNumber + 1 },
		"/start  ":          func(s *Series) { s.Start, s.Range = 11, &NumberRange{First: 1, Last: 10} },
		"/on_loss":          func(s *Series) { s.OnLoss = "forget" },
		"/reuse_within":     func(s *Series) { s.ReuseWithin = -1 },
		"/reuse_within ":    func(s *Series) { s.ReuseWithin = Span(1500 * time.Millisecond) },
		"/reuse_within  ":   func(s *Series) { s.ReuseWithin = Span(87600*time.Hour + time.Second) },
		"/range/first":      func(s *Series) { s.Range = &NumberRange{First: 0, Last: 10} },
		"/range/last":       func(s *Series) { s.Range = &NumberRange{First: 5, Last: 4} },
		"/range/last ":      func(s *Series) { s.Range = &NumberRange{First: 5, Last: counter.MaxNumber + 1} },
		"/range/expires_on": func(s *Series) { s.Range = &NumberRange{First: 1, Last: 4, ExpiresOn: "2026-02-30"} },
		"/range/warn_left":  func(s *Series) { s.Range = &NumberRange{First: 1, Last: 4, WarnLeft: -1} },
		"/document":         func(s *Series) { s.Document = "letter" },
		"/closed_through":   func(s *Series) { s.ClosedThrough = "31.12.2025" },
	} {
		bad := with("web", change).complete()
		if got := pointers(bad.check()); !cmp.Equal(got, []string{strings.TrimSpace(want)}) {
			t.Errorf("%+v: %v, want %s", bad, got, want)
		}
	}
}

func TestAUsedSeriesKeepsItsNumberingAndItsPeriod(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	book := &SeriesBook{DB: db, Ledgers: store}
	format := func(s *Series) { s.Format = "A{yyyy}{mm}-{seq}" }
	yearly := func(s *Series) { format(s); s.Period = "year" }
	strict := func(s *Series) { format(s); s.Numbering = "strict" }
	for _, change := range []func(*Series){format, yearly, strict, format} {
		if _, _, err := book.Put(t.Context(), with("web", change)); err != nil {
			t.Fatalf("a series that was never used: %v", err)
		}
	}
	refused := func(used string) {
		t.Helper()
		for _, change := range []func(*Series){yearly, strict} {
			if _, _, err := book.Put(t.Context(), with("web", change)); !errors.Is(err, ErrSeriesUsed) {
				t.Errorf("%s: %v, want ErrSeriesUsed", used, err)
			}
		}
		all := with("web", func(s *Series) {
			s.Format, s.OnLoss, s.ReuseWithin, s.Start, s.Document = "A{yyyy}{mm}-{seq:4}", "void", 0, 7, "credit_note"
			s.ClosedThrough, s.Range = "1999-12-31", &NumberRange{First: 1, Last: 1000}
		})
		if _, _, err := book.Put(t.Context(), all); err != nil {
			t.Errorf("everything else may change: %v", err)
		}
		db.put(t, with("web", format))
	}
	r := newReplica(t, db, store)
	n, err := r.numbers.Take(t.Context(), counter.Series{Tenant: "acme", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	refused("a number was taken, none has a document")
	n.Return()
	r.mustIssue(t, in("web", request(who, "one", "n")))
	refused("it has a document")
	book.Ledgers = &countertest.Mem{} // as after etcd was made anew
	refused("it has a document and no ledger")
	if _, _, err := (&SeriesBook{DB: db}).Put(t.Context(), with("web", yearly)); err == nil {
		t.Error("without ledgers in sight the period was changed")
	}
}

// Both replicas were asked for the series before it existed, and are while it is
// made. Once Put has returned there is no request that does not know it.
func TestANewSeriesIsUsedAtOnceOnEveryReplica(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	for i := range 10 {
		name := fmt.Sprintf("s%d", i)
		stop := make(chan struct{})
		var asking sync.WaitGroup
		asked := make(chan struct{}, 100)
		for j := range 4 {
			asking.Go(func() {
				for {
					_, err := replicas[j%2].Issue(t.Context(), in(name, request(who, "", "n")))
					if err != nil && !cmp.Equal(pointers(err), []string{"/series"}) {
						t.Error(err)
						return
					}
					select {
					case asked <- struct{}{}:
					default:
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for range 8 {
			<-asked
		}
		db.put(t, with(name, func(*Series) {}))
		for _, r := range replicas {
			r.mustIssue(t, in(name, request(who, "", "n")))
		}
		close(stop)
		asking.Wait()
	}
}

func TestAChangeOfASeriesIsFollowedByEveryReplicaWithinASecond(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	// followed issues until the change is followed. A request that comes a second
	// after Put has returned must follow it, whenever it is answered.
	followed := func(what string, change func(*Series), follows func(Issued, error) bool) {
		t.Helper()
		for _, r := range replicas {
			r.mustIssue(t, request(who, "", "n")) // what was so before is remembered
		}
		db.put(t, with("invoice", func(s *Series) { s.Format = "R-{yyyy}-{seq:3}"; change(s) }))
		done := time.Now()
		for i, r := range replicas {
			eventually(t, what, func() bool {
				begun := time.Now()
				ok := follows(r.Issue(t.Context(), request(who, "", "n")))
				if !ok && begun.Sub(done) > believedUntold {
					t.Fatalf("replica %d, a second later: not yet: %s", i, what)
				}
				return ok
			})
		}
	}
	followed("the format and the document", func(s *Series) { s.Document = "credit_note" }, func(got Issued, err error) bool {
		return err == nil && strings.HasPrefix(got.Invoice.PrintedNumber, "R-2026-") && got.Invoice.Kind == "credit_note"
	})
	followed("the closing", func(s *Series) { s.ClosedThrough = "2026-03-14" }, func(_ Issued, err error) bool {
		return cmp.Equal(pointers(err), []string{"/issue_date"})
	})
	db.put(t, with("invoice", func(s *Series) { s.Format = "R-{yyyy}-{seq:3}" }))
	for _, r := range replicas {
		eventually(t, "it is open again", func() bool {
			_, err := r.Issue(t.Context(), request(who, "", "n"))
			return err == nil
		})
	}
	followed("the end of the range", func(s *Series) { s.Range = &NumberRange{First: 1, Last: 2} }, func(_ Issued, err error) bool {
		return errors.Is(err, ErrSeriesExhausted)
	})
	mustBeClean(t, db, store)
}

func TestNoIssueDateOnOrBeforeTheDayThatIsClosed(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	db.put(t, with("invoice", func(s *Series) { s.ClosedThrough = "2026-03-14" }))
	r := newReplica(t, db, &countertest.Mem{})
	for date, ok := range map[string]bool{"2026-03-13": false, "2026-03-14": false, "2026-03-15": true} {
		req := request(who, "", "n")
		req.Draft.IssueDate = date
		_, err := r.Issue(t.Context(), req)
		if (err == nil) != ok || !ok && (!cmp.Equal(pointers(err), []string{"/issue_date"}) || !strings.Contains(err.Error(), "closed through 2026-03-14")) {
			t.Errorf("%s: %v", date, err)
		}
	}
	_, err := r.TakeNumbers(t.Context(), NumbersRequest{Identity: who, ID: "n", Series: "invoice", Count: 1, IssueDate: "2026-03-14"})
	if !cmp.Equal(pointers(err), []string{"/issue_date"}) {
		t.Errorf("a number for a document elsewhere: %v", err)
	}
	made := r.mustIssue(t, func() Request { req := request(who, "", "n"); req.Draft.IssueDate = "2026-03-15"; return req }())
	db.put(t, with("credit-note", func(s *Series) { s.ClosedThrough = "2026-03-31" }))
	r.at(time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC))
	if _, err := r.Cancel(t.Context(), CancelRequest{Identity: who, Invoice: made.Invoice.ID}); !cmp.Equal(pointers(err), []string{"/issue_date"}) {
		t.Errorf("a credit note: %v", err)
	}
	r.at(time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC))
	if _, err := r.Cancel(t.Context(), CancelRequest{Identity: who, Invoice: made.Invoice.ID}); err != nil {
		t.Errorf("a credit note of the day after: %v", err)
	}
}

func TestALengthOfTimeIsWrittenShort(t *testing.T) {
	for text, want := range map[string]string{"24h": "24h", "1440m": "24h", "90m": "1h30m", "45s": "45s", "0s": "0s", "1h0m5s": "1h0m5s", "10m": "10m", "20s": "20s", "100h": "100h"} {
		var s Span
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, s, err, want)
		}
	}
	var s Span
	if err := json.Unmarshal([]byte(`"a day"`), &s); err == nil {
		t.Error("a day was read")
	}
}
