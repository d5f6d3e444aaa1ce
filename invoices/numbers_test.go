package invoices

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
)

// wish is a valid wish for external numbers.
func wish(who Identity, id string, count int) NumbersRequest {
	return NumbersRequest{
		Identity: who, ID: id, Digest: sha256.Sum256([]byte(fmt.Sprint(id, count))),
		Series: "invoice", Count: count, IssueDate: "2026-03-14", Reference: "order " + id,
	}
}

func (r *replica) mustTake(t testing.TB, w NumbersRequest) ExternalNumbers {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := r.TakeNumbers(ctx, w)
	if err != nil {
		t.Fatalf("take %d numbers for %q: %v", w.Count, w.ID, err)
	}
	return got
}

func TestExternalNumbersAreRecordedAndARepeatGetsTheSame(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	got := r.mustTake(t, wish(who, "one", 3))
	want := ExternalNumbers{Series: "invoice", Period: "2026", Numbers: []ExternalNumber{
		{1, "INV-2026-000001"}, {2, "INV-2026-000002"}, {3, "INV-2026-000003"},
	}}
	if !cmp.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	again := r.mustTake(t, wish(who, "one", 3))
	if want.Replayed = true; !cmp.Equal(again, want) {
		t.Errorf("again %+v", again)
	}
	if inv := r.mustIssue(t, request(who, "two", "n")); inv.Invoice.Number != 4 {
		t.Errorf("the next invoice has number %d, want 4", inv.Invoice.Number)
	}
	if n := ask[int](t, db, `select count(*) from documents where kind = 'external' and reference = 'order one' and content is null`); n != 3 {
		t.Errorf("%d rows of kind external, want 3", n)
	}
	page, err := db.List(t.Context(), "acme", Query{})
	if err != nil || len(page.Invoices) != 1 {
		t.Errorf("the list has %d invoices, %v: numbers whose documents live elsewhere are none", len(page.Invoices), err)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 4 || a.Held.Count != 0 {
			t.Errorf("%+v, want 4 issued", a)
		}
	}
}

func TestTheSameRequestForNumbersAtOnceOnTwoReplicasTakesThemOnce(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	answers := make([]ExternalNumbers, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = replicas[i%2].mustTake(t, wish(who, "one", 40)) })
	}
	all.Wait()
	for _, a := range answers {
		if !cmp.Equal(a.Numbers, answers[0].Numbers) {
			t.Fatalf("two answers to one request: %v and %v", a.Numbers, answers[0].Numbers)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents where kind = 'external'`); n != 40 {
		t.Errorf("%d numbers are recorded, want 40", n)
	}
	replicas[0].stop()
	replicas[1].stop()
	mustBeClean(t, db, store)
}

func TestARequestForNumbersThatWasCutShortGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	w := wish(who, "one", 5)
	p, err := r.prepareNumbers(t.Context(), w, requestID(w.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.record(t.Context(), p, []int{1, 3}); err != nil { // and then the replica died
		t.Fatal(err)
	}
	got := newReplica(t, db, store).mustTake(t, w)
	if !got.Replayed || len(got.Numbers) != 5 {
		t.Fatalf("got %+v", got)
	}
	if got.Numbers[1].Number != 1 || got.Numbers[3].Number != 2 {
		t.Errorf("what was recorded before is not in its place: %+v", got.Numbers)
	}
	if n := ask[int](t, db, `select count(*) from documents where kind = 'external'`); n != 5 {
		t.Errorf("%d numbers are recorded, want 5", n)
	}
}

// What a request says nothing of stays what it was when its first number was
// recorded: a new day, or a new year, does not tear it apart.
func TestARequestForNumbersThatGoesOnAfterMidnightKeepsItsDate(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	w := wish(who, "one", 3)
	w.IssueDate = ""
	before, after := newReplica(t, db, store), newReplica(t, db, store)
	before.Now = func() time.Time { return time.Date(2025, 12, 31, 22, 59, 0, 0, time.UTC) }
	after.Now = func() time.Time { return before.Now().Add(2 * time.Minute) } // in Vienna it is another year
	p, err := before.prepareNumbers(t.Context(), w, requestID(w.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.record(t.Context(), p, []int{1}); err != nil { // and then the replica died
		t.Fatal(err)
	}
	got := after.mustTake(t, w)
	if got.Period != "2025" || len(got.Numbers) != 3 {
		t.Errorf("got %+v", got)
	}
	if n := ask[int](t, db, `select count(*) from documents where issue_date = '2025-12-31' and period = '2025'`); n != 3 {
		t.Errorf("%d numbers are of the day of the first, want 3", n)
	}
}

func TestAKeyIsOfOneRequestOnlyWhetherForNumbersOrForAnInvoice(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	r.mustTake(t, wish(who, "numbers", 2))
	r.mustIssue(t, request(who, "invoice", "n"))
	if _, err := r.TakeNumbers(t.Context(), wish(who, "numbers", 3)); !errors.Is(err, ErrRequestReused) {
		t.Errorf("another count: %v, want ErrRequestReused", err)
	}
	if _, err := r.TakeNumbers(t.Context(), wish(who, "invoice", 1)); !errors.Is(err, ErrRequestReused) {
		t.Errorf("the key of an invoice: %v, want ErrRequestReused", err)
	}
	if _, err := r.Issue(t.Context(), request(who, "numbers", "n")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("an invoice under the key of numbers: %v, want ErrRequestReused", err)
	}
	if got := r.mustIssue(t, request(who, "next", "n")); got.Invoice.Number != 4 {
		t.Errorf("what was refused cost numbers: the next is %d, want 4", got.Invoice.Number)
	}
}

func TestWhatIsNoWishForNumbersIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	for name, c := range map[string]struct {
		change func(*NumbersRequest)
		want   []string
	}{
		"none":          {func(w *NumbersRequest) { w.Count = 0 }, []string{"/count"}},
		"too many":      {func(w *NumbersRequest) { w.Count = 1001 }, []string{"/count"}},
		"no day":        {func(w *NumbersRequest) { w.IssueDate = "2026-02-30" }, []string{"/issue_date"}},
		"a long name":   {func(w *NumbersRequest) { w.Reference = strings.Repeat("ä", 201) }, []string{"/reference"}},
		"a name of \\0": {func(w *NumbersRequest) { w.Reference = "a\x00" }, []string{"/reference"}},
	} {
		w := wish(who, name, 1)
		c.change(&w)
		if _, err := r.TakeNumbers(t.Context(), w); !slices.Equal(pointers(err), c.want) {
			t.Errorf("%s: %v, want pointers %v", name, err, c.want)
		}
	}
	w := wish(who, "series", 1)
	w.Series = "nothing"
	if _, err := r.TakeNumbers(t.Context(), w); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such series: %v, want ErrNotFound", err)
	}
	most := wish(who, "most", document.MaxNumbers)
	if got := r.mustTake(t, most); len(got.Numbers) != document.MaxNumbers {
		t.Errorf("%d numbers", len(got.Numbers))
	}
}

func TestAnExternalNumberWhoseDocumentWasNeverMadeIsVoid(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustTake(t, wish(who, "one", 3))
	r.mustIssue(t, request(who, "two", "n"))
	void := func(who Identity, n int64, reason string) (Annulment, error) {
		return r.VoidExternal(t.Context(), who, "invoice", "2026", n, reason)
	}
	got, err := void(who, 2, "the order was withdrawn")
	if err != nil {
		t.Fatal(err)
	}
	want := Annulment{Series: "invoice", Period: "2026", Number: 2, PrintedNumber: "INV-2026-000002", Status: "void",
		Reason: "the order was withdrawn", VoidedAt: got.VoidedAt}
	if got != want || time.Since(got.VoidedAt) > time.Hour {
		t.Errorf("got %+v", got)
	}
	if again, err := void(who, 2, "another reason"); err != nil || again != got {
		t.Errorf("again: %+v, %v; want the same", again, err)
	}
	if _, err := void(who, 4, "r"); !errors.Is(err, ErrNotExternal) {
		t.Errorf("of an invoice: %v, want ErrNotExternal", err)
	}
	if _, err := void(who, 9, "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a number without a row: %v, want ErrNotFound", err)
	}
	if _, err := void(Identity{Tenant: "bolt"}, 2, "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of another tenant: %v, want ErrNotFound", err)
	}
	if _, err := void(who, 3, " "); !slices.Equal(pointers(err), []string{"/reason"}) {
		t.Errorf("without a reason: %v", err)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 3 || a.Void.Count != 1 {
			t.Errorf("%+v, want 3 issued and 1 void", a)
		}
	}
}

func TestAVoidOfAnExternalNumberWhoseAnswerIsLostIsStoredOnce(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		who := newTenant(t, direct, "acme")
		newReplica(t, direct, &countertest.Mem{}).mustTake(t, wish(who, "one", 1))
		p.arm("insert into annulments", how)
		eventually(t, "the void is told", func() bool {
			got, err := (&Issuer{DB: db}).VoidExternal(t.Context(), who, "invoice", "2026", 1, "never made")
			return err == nil && got.Reason == "never made"
		})
		if n := ask[int](t, direct, `select count(*) from annulments`); n != 1 {
			t.Errorf("%d voids, want 1", n)
		}
	})
}
