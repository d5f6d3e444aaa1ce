package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// mustBeSuspended issues, and wants to be told that the series is suspended.
func (r *replica) mustBeSuspended(t testing.TB, req Request) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Issue(ctx, req); !errors.Is(err, ErrSeriesSuspended) {
		t.Errorf("got %v, want ErrSeriesSuspended", err)
	}
}

func TestAStrictSeriesIsSuspendedInANewEraUntilItIsToldToContinue(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s, unused := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "unused")
	rep := newReplica(t, db, store)
	before := rep.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
	raiseEpoch(t, db)
	rep.mustBeSuspended(t, strictRequest(who, s.Name, "two", "n"))
	rep.mustBeSuspended(t, strictRequest(who, unused.Name, "three", "n"))
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "one", "n")); !got.Replayed || got.Invoice.ID != before.Invoice.ID {
		t.Errorf("a repeat got %+v", got)
	}
	rep.mustIssue(t, request(who, "block", "n")) // a block series goes on
	for range 2 {                                // said twice it changes nothing
		if now, err := db.ContinueStrict(t.Context()); err != nil || !strings.HasPrefix(now, "1.") {
			t.Fatalf("%q, %v", now, err)
		}
	}
	for name, want := range map[string]int64{s.Name: 2, unused.Name: 1} {
		if got := rep.mustIssue(t, strictRequest(who, name, "", "n")); got.Invoice.Number != want {
			t.Errorf("%s got number %d, want %d", name, got.Invoice.Number, want)
		}
	}
	rep.stop()
	mustHaveNoHole(t, db, store)
}

// A counter that was lost with all its rows must not begin at 1 again: the
// numbers were acknowledged.
func TestACounterThatAFailoverLostIsSuspendedToo(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, db, store)
	for range 3 {
		rep.mustIssue(t, strictRequest(who, s.Name, "", "n"))
	}
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `delete from documents`)
	db.exec(t, `delete from strict_counters`)
	db.exec(t, `update restores set epoch = epoch + 1`)
	rep.mustBeSuspended(t, strictRequest(who, s.Name, "", "n"))
	if voided, err := db.SkipStrict(t.Context(), s, 3); err != nil || voided != 3 {
		t.Errorf("%d void, %v; want 3", voided, err)
	}
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "", "n")); got.Invoice.Number != 4 {
		t.Errorf("got number %d, want 4", got.Invoice.Number)
	}
	mustHaveNoHole(t, db, store)
}

func TestASeriesThatSkipsGoesOnAloneAndWhatItSkipsIsVoid(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		was    string // how the era differs
		reason string
	}{
		"a restore":  {`regexp_replace(era, '^[0-9]+', '7')`, reasonRestore},
		"a failover": {`regexp_replace(era, '[.][0-9A-F]{8}[.]', '.00000000.')`, reasonFailover},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			s, other := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "other")
			rep := newReplica(t, db, store)
			rep.mustIssue(t, strictRequest(who, s.Name, "", "n"))
			rep.mustIssue(t, strictRequest(who, other.Name, "", "n"))
			db.exec(t, `update strict_counters set era = `+row.was)
			db.exec(t, `update strict_era set era = `+row.was)
			rep.mustBeSuspended(t, strictRequest(who, s.Name, "", "n"))
			for round, want := range []int64{6_000, 0} { // said twice it changes nothing
				if voided, err := db.SkipStrict(t.Context(), s, 6_001); err != nil || voided != want {
					t.Fatalf("round %d: %d void, %v; want %d", round, voided, err, want)
				}
			}
			if got := rep.mustIssue(t, strictRequest(who, s.Name, "", "n")); got.Invoice.Number != 6_002 {
				t.Errorf("got number %d, want 6002", got.Invoice.Number)
			}
			rep.mustBeSuspended(t, strictRequest(who, other.Name, "", "n"))
			if n := ask[int](t, db, `select count(*) from documents where status = 'void' and reason = $1`, row.reason); n != 6_000 {
				t.Errorf("%d void for %s, want 6000", n, row.reason)
			}
			mustHaveNoHole(t, db, store)
		})
	}
}

func TestASkipThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, db, store)
	for range 2 {
		rep.mustIssue(t, strictRequest(who, s.Name, "", "n"))
	}
	for what, row := range map[string]struct {
		series counter.Series
		to     int64
		want   string
	}{
		"backwards":         {s, 1, "up to 2"},
		"far too far":       {s, 30_000_000, "at most 10000000"},
		"no such number":    {s, counter.MaxNumber + 1, "up to 2"},
		"no such series":    {counter.Series{Tenant: "acme", Name: "none"}, 5, ErrNotFound.Error()},
		"no strict series":  {series2026(who), 5, "no strict series"},
		"no such period":    {counter.Series{Tenant: "acme", Name: "gapless", Period: "2026"}, 5, "no period"},
		"no period at all":  {counter.Series{Tenant: "acme", Name: "gapless", Period: "soon"}, 5, "no period"},
		"longer than a day": {counter.Series{Tenant: "acme", Name: "gapless", Period: "2026-11-23-12"}, 5, "no period"},
	} {
		if _, err := db.SkipStrict(t.Context(), row.series, row.to); err == nil || !strings.Contains(err.Error(), row.want) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v, want %q", what, err, row.want)
		}
	}
	mustHaveNoHole(t, db, store)
	listed, err := db.StrictCounters(t.Context(), "acme", "")
	if want := (StrictCounter{Series: s, First: 1, Mark: 2}); err != nil || len(listed) != 1 || listed[0] != want {
		t.Errorf("%+v, %v; want %+v", listed, err, want)
	}
}

// Said by statements whose answers are lost, it is said once or, to the operator's
// knowledge, not at all.
func TestWhatIsSaidOfStrictSeriesWhoseAnswerIsLostIsSaidOnce(t *testing.T) {
	for _, statement := range []string{"lock table strict_counters", "update strict_era", "insert into strict_counters", "generate_series", "set mark = $4", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				store := &countertest.Mem{}
				who := newTenant(t, direct, "acme")
				s, other := strictSeriesFor(t, direct, who, "gapless"), strictSeriesFor(t, direct, who, "other")
				rep := newReplica(t, direct, store)
				rep.mustIssue(t, strictRequest(who, s.Name, "", "n"))
				raiseEpoch(t, direct)
				p.arm(statement, how)
				for try := 0; ; try++ {
					_, err := db.SkipStrict(t.Context(), s, 5)
					if err == nil {
						_, err = db.ContinueStrict(t.Context())
					}
					if err == nil {
						break
					}
					if try > 0 {
						t.Fatal(err)
					}
				}
				for name, want := range map[string]int64{s.Name: 6, other.Name: 1} {
					if got := rep.mustIssue(t, strictRequest(who, name, "", "n")); got.Invoice.Number != want {
						t.Errorf("%s got number %d, want %d", name, got.Invoice.Number, want)
					}
				}
				if n := ask[int](t, direct, `select count(*) from documents where status = 'void'`); n != 4 {
					t.Errorf("%d void, want 4", n)
				}
				mustHaveNoHole(t, direct, store)
			})
		})
	}
}

func TestRaisingTheEpochWaitsForAStrictTransaction(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	s := strictSeriesFor(t, direct, who, "gapless")
	rep := newReplica(t, db, store)
	p.arm(commits, delayed)
	issued := make(chan Issued, 1)
	go func() { issued <- rep.mustIssue(t, strictRequest(who, s.Name, "one", "n")) }()
	first := waitingBackend(t, direct, 0) // the look whether it was stored waits
	raised := make(chan error, 1)
	go func() {
		_, err := direct.RaiseEpoch(t.Context(), 0)
		raised <- err
	}()
	waitingBackend(t, direct, first)
	select {
	case err := <-raised:
		t.Fatalf("raised while a transaction was in flight: %v", err)
	default:
	}
	p.letGo()
	p.waitForLate(t)
	if err := <-raised; err != nil {
		t.Error(err)
	}
	if got := <-issued; got.Invoice.Number != 1 {
		t.Errorf("got number %d", got.Invoice.Number)
	}
	rep.mustBeSuspended(t, strictRequest(who, s.Name, "two", "n"))
}

// Postgres crashes and comes back, in the middle of strict batches.
func TestAStrictSeriesOutlivesACrashOfPostgresWithoutAHole(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, db := serverOfItsOwn(ctx, t)
	store := &countertest.Mem{}
	who := newTenant(t, db, "acme")
	strictSeriesFor(t, db, who, "gapless")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, s.URL("postgres")), store)}
	const clients, each = 8, 60
	throughACrash(ctx, t, s, clients, each, func(c, i int) {
		issueUntilKnown(ctx, t, replicas[c%2], strictRequest(who, "gapless", fmt.Sprintf("%d-%d", c, i), "n"))
	})
	if n := ask[int](t, db, `select max(number) from documents`); n != clients*each {
		t.Errorf("the highest number is %d, want %d", n, clients*each)
	}
	mustHaveNoHole(t, db, store)
}
