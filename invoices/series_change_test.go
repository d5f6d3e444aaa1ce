package invoices

import (
	"fmt"
	"testing"
	"time"

	"folio/counter/countertest"
)

// stale has a replica remember, for as long as the test runs, the rule that a
// series has now.
func (r *replica) stale(t testing.TB, tenant, name string) {
	t.Helper()
	if known, err := r.rule(t.Context(), tenant, name); err != nil || known == nil {
		t.Fatalf("the rule of %s: %v, %v", name, known, err)
	}
	a := r.rules.known.answers[subject{tenant, name}]
	a.asked = time.Now().Add(time.Hour)
	r.rules.known.answers[subject{tenant, name}] = a
}

// A replica may remember for a second what an unused series was. Whatever it
// remembers, it numbers the first document as the series says by now: a number of
// a block in a strict series, or the other way round, would be in its way for ever.
func TestARuleThatIsRememberedNumbersNoSeriesThatHasAnotherByNow(t *testing.T) {
	t.Parallel()
	yearly := func(s *Series) { s.Format, s.Period = "W{yyyy}-{seq}", "year" }
	none := func(s *Series) { s.Format = "W{yyyy}-{seq}" }
	strict := func(s *Series) { none(s); s.Numbering = numberingStrict }
	strictYearly := func(s *Series) { yearly(s); s.Numbering = numberingStrict }
	for name, c := range map[string]struct {
		before, after func(*Series)
		period        string
	}{
		"from block to strict":             {none, strict, ""},
		"from strict to block":             {strict, none, ""},
		"from no period to years":          {none, yearly, "2026"},
		"from years to none":               {yearly, none, ""},
		"from strict years to strict none": {strictYearly, strict, ""},
		"from block years to strict":       {yearly, strict, ""},
	} {
		for first, issue := range map[string]func(t *testing.T, r *replica, who Identity, id string){
			"an invoice": func(t *testing.T, r *replica, who Identity, id string) {
				r.mustIssue(t, in("web", request(who, id, "n")))
			},
			"numbers": func(t *testing.T, r *replica, who Identity, id string) {
				w := wish(who, id, 2)
				w.Series = "web"
				r.mustTake(t, w)
			},
		} {
			t.Run(name+", "+first, func(t *testing.T) {
				t.Parallel()
				db, store := migrated(t), &countertest.Mem{}
				who := newTenant(t, db, "acme")
				book := &SeriesBook{DB: db, Ledgers: store}
				put := func(change func(*Series)) {
					t.Helper()
					if _, _, err := book.Put(t.Context(), with("web", change)); err != nil {
						t.Fatal(err)
					}
				}
				put(c.before)
				fresh, old := newReplica(t, db, store), newReplica(t, db, store)
				old.stale(t, "acme", "web")
				put(c.after)
				for i, r := range []*replica{fresh, old, fresh, old} {
					issue(t, r, who, fmt.Sprint("key-", i))
				}
				if n := ask[int](t, db, `select count(*) from documents where series = 'web' and period <> $1`, c.period); n != 0 {
					t.Errorf("%d documents are of another period than %q", n, c.period)
				}
				fresh.stop()
				old.stop()
				mustBeClean(t, db, store)
			})
		}
	}
}

// A strict transaction that is under way keeps its series from becoming another.
func TestARuleIsPutOnlyWhenNoStrictTransactionIsUnderWay(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "web")
	r := newReplica(t, db, store)
	r.mustIssue(t, strictRequest(who, "web", "one", "n")) // the counter is there
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `delete from documents`)
	db.exec(t, `update strict_counters set mark = first - 1`) // and was never used
	tx, err := db.rest.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, _, err := lockStrictCounter(t.Context(), tx, s); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := (&SeriesBook{DB: db, Ledgers: store}).Put(t.Context(), with("web", func(s *Series) { s.Format = "W-{seq}" }))
		done <- err
	}()
	eventually(t, "the rule waits for the transaction", func() bool {
		return ask[int](t, db, `select count(*) from pg_locks where not granted and relation = 'strict_counters'::regclass`) == 1
	})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after it: %v", err)
	}
}
