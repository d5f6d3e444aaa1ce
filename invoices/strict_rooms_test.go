package invoices

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// strictNotes makes a strict series of credit notes.
func strictNotes(t testing.TB, db *DB, who Identity) string {
	t.Helper()
	s := seriesOf(who.Tenant, "notes", "N-{seq:4}", onLossReuse)
	s.Numbering, s.Document = numberingStrict, kindCreditNote
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Name
}

func TestCreditNotesOfAStrictSeriesHaveNoHoleHoweverManyComeAtOnce(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	notes := strictNotes(t, db, who)
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	inv := replicas[0].mustIssue(t, request(who, "one", "n")).Invoice // of 2 × 50.00
	numbers := make(map[int64]bool)
	var mu sync.Mutex
	var all sync.WaitGroup
	const parts = 8
	for i := range parts {
		all.Go(func() {
			req := cancellation(who, inv.ID, fmt.Sprint("part-", i), part(0, "0.25"))
			req.Series = notes
			got := replicas[i%2].mustCancel(t, req)
			again := replicas[(i+1)%2].mustCancel(t, req)
			if again.Invoice.ID != got.Invoice.ID || got.Invoice.Credits != inv.ID {
				t.Errorf("%+v, then %+v", got, again)
			}
			mu.Lock()
			defer mu.Unlock()
			numbers[got.Invoice.Number] = true
		})
	}
	all.Wait()
	if len(numbers) != parts || ask[int](t, db, `select max(number) from documents where series = 'notes'`) != parts {
		t.Errorf("numbers %v, want 1 to %d", numbers, parts)
	}
	read, err := db.Invoice(t.Context(), who.Tenant, inv.ID)
	if err != nil || read.Status != statusCancelled || len(read.CreditNotes) != parts {
		t.Errorf("%+v, %v", read, err)
	}
	mustHaveNoHole(t, db, store)
}

func TestACreditNoteOfAStrictSeriesWhoseAnswerIsLostIsBookedOnce(t *testing.T) {
	for _, statement := range []string{"insert into credit_notes", advances, commits} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				store := &countertest.Mem{}
				who := newTenant(t, direct, "acme")
				notes := strictNotes(t, direct, who)
				rep := newReplica(t, db, store)
				inv := rep.mustIssue(t, request(who, "one", "n")).Invoice
				req := cancellation(who, inv.ID, "half", part(0, "1"))
				req.Series = notes
				p.arm(statement, how)
				if got := rep.mustCancel(t, req); got.Invoice.Number != 1 || got.Replayed {
					t.Errorf("got %+v", got)
				}
				rest := cancellation(who, inv.ID, "", nil)
				rest.Series = notes
				if got := rep.mustCancel(t, rest); got.Invoice.Number != 2 {
					t.Errorf("the rest got number %d, want 2", got.Invoice.Number)
				}
				if n := ask[int](t, direct, `select notes from credits`); n != 2 {
					t.Errorf("%d notes are booked, want 2", n)
				}
				mustHaveNoHole(t, direct, store)
			})
		})
	}
}

func TestExternalNumbersOfAStrictSeriesAreTakenInOrderAllOrNone(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := seriesOf("acme", "gapless", "G-{seq}", onLossReuse)
	s.Numbering, s.Range = numberingStrict, &NumberRange{First: 1, Last: 10}
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	of := func(id string, count int) NumbersRequest {
		w := wish(who, id, count)
		w.Series = s.Name
		return w
	}
	want := ExternalNumbers{Series: "gapless", Numbers: []ExternalNumber{{1, "G-1"}, {2, "G-2"}, {3, "G-3"}}}
	if got := replicas[0].mustTake(t, of("three", 3)); !cmp.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	want.Replayed = true
	if got := replicas[1].mustTake(t, of("three", 3)); !cmp.Equal(got, want) {
		t.Errorf("the repeat got %+v", got)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if got := replicas[i%2].mustTake(t, of("four", 4)); len(got.Numbers) != 4 || got.Numbers[0].Number != 4 || got.Numbers[3].Number != 7 {
				t.Errorf("got %+v", got)
			}
		})
	}
	all.Wait()
	if _, err := replicas[0].TakeNumbers(t.Context(), of("too many", 4)); !errors.Is(err, ErrSeriesExhausted) {
		t.Errorf("got %v, want ErrSeriesExhausted", err)
	}
	if got := replicas[0].mustTake(t, of("the rest", 3)); got.Numbers[0].Number != 8 || got.Numbers[2].Number != 10 {
		t.Errorf("got %+v: a request that was refused took numbers", got)
	}
	mustHaveNoHole(t, db, store)
}

// A range is granted that begins above what the series has given; then its rest is
// given up. On two replicas at once, and nothing of it in etcd.
func TestAStrictSeriesLeavesBehindWhatLiesBeforeItsRangeAndCanGiveUpTheRest(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	for range 2 {
		replicas[0].mustIssue(t, strictRequest(who, s.Name, "", "n"))
	}
	db.exec(t, `update series set range_first = 60001, range_last = 60012, warn_left = 10 where name = 'gapless'`)
	for _, rep := range replicas {
		eventually(t, "the rule is known", func() bool {
			r, err := rep.rule(t.Context(), who.Tenant, s.Name)
			return err == nil && r.Range != nil
		})
	}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() { replicas[i%2].mustIssue(t, strictRequest(who, s.Name, fmt.Sprint("key-", i), "n")) })
	}
	all.Wait()
	got := replicas[1].mustIssue(t, strictRequest(who, s.Name, "", "n"))
	if got.RangeLeft == nil || *got.RangeLeft > 10 || got.Invoice.Number < 60_003 {
		t.Errorf("number %d, left %v", got.Invoice.Number, got.RangeLeft)
	}
	given := ask[int64](t, db, `select max(number) from documents`)
	book := &SeriesBook{DB: db, Ledgers: store, Numbers: replicas[0].numbers}
	unused, err := book.Unused(t.Context(), who, s.Name, nil)
	if err != nil || unused.Count != 60_012-given {
		t.Errorf("%+v, %v; %d was given last", unused, err, given)
	}
	rest, err := book.VoidUnused(t.Context(), who, s.Name, nil, "")
	if err != nil || rest.Count != unused.Count {
		t.Errorf("%+v, %v", rest, err)
	}
	if _, err := replicas[0].Issue(t.Context(), strictRequest(who, s.Name, "", "n")); !errors.Is(err, ErrSeriesExhausted) {
		t.Errorf("got %v, want ErrSeriesExhausted", err)
	}
	if n := ask[int64](t, db, `select count(*) from documents where reason = 'out_of_range'`); n < 59_990 {
		t.Errorf("%d numbers were left behind", n)
	}
	if listed, err := store.List(t.Context(), "", ""); err != nil || len(listed) != 0 {
		t.Errorf("the counter was asked for %v, %v", listed, err)
	}
	mustHaveNoHole(t, db, store)
}
