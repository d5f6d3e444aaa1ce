package invoices

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// mustBecomeBusy issues until the series is busy, and returns the last number given.
func (r *replica) mustBecomeBusy(t *testing.T, who Identity, series string) (last int64) {
	t.Helper()
	for i := range 1000 {
		req := request(who, "", fmt.Sprint("before ", i))
		req.Draft.Series = series
		got := r.mustIssue(t, req)
		last = got.Invoice.Number
		if r.numbers.Busy(counter.Series{Tenant: who.Tenant, Name: got.Invoice.Series, Period: got.Invoice.Period}) {
			return last
		}
	}
	t.Fatal("a thousand invoices in a row leave the series quiet")
	return 0
}

func TestARepeatInABusySeriesMeetsItsRowAndTheNextRequestGetsItsNumber(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustBecomeBusy(t, who, "")
	first := r.mustIssue(t, request(who, "key", "body"))
	again := r.mustIssue(t, request(who, "key", "body"))
	if diff := cmp.Diff(first.Invoice, again.Invoice); diff != "" || !again.Replayed {
		t.Errorf("replayed %v, first (-) and repeat (+):\n%s", again.Replayed, diff)
	}
	if n := r.numbers.Stats().Returned; n != 1 {
		t.Errorf("%d numbers were given back, want the one of the repeat", n)
	}
	if _, err := r.Issue(t.Context(), request(who, "key", "another body")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("another body: %v, want ErrRequestReused", err)
	}
	invalid := request(who, "key", "body")
	invalid.Draft.Currency = "no currency" // as if the rules for drafts had changed since
	if got := r.mustIssue(t, invalid); !got.Replayed || got.Invoice.ID != first.Invoice.ID {
		t.Errorf("a repeat that would be refused today: %+v", got)
	}
	if next := r.mustIssue(t, request(who, "", "next")); next.Invoice.Number != first.Invoice.Number+1 {
		t.Errorf("the next got number %d, want %d: repeats leave no hole", next.Invoice.Number, first.Invoice.Number+1)
	}
	r.stop()
	mustBeClean(t, db, store)
}

func TestARepeatInABusySeriesOfExternalNumbersGetsTheSame(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustBecomeBusy(t, who, "")
	first := r.mustTake(t, wish(who, "numbers", 1))
	again := r.mustTake(t, wish(who, "numbers", 1))
	if !again.Replayed || first.Replayed || !cmp.Equal(first.Numbers, again.Numbers) {
		t.Errorf("got %+v, then %+v", first, again)
	}
	other := wish(who, "numbers", 1)
	other.Digest[0]++
	if _, err := r.TakeNumbers(t.Context(), other); !errors.Is(err, ErrRequestReused) {
		t.Errorf("another body: %v, want ErrRequestReused", err)
	}
	if _, err := r.Issue(t.Context(), request(who, "numbers", "an invoice")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("an invoice with the key of numbers: %v, want ErrRequestReused", err)
	}
	r.stop()
	mustBeClean(t, db, store)
}

// The last number of a range must not be missed while a repeat holds it.
func TestARepeatInAGrantedRangeTakesNoNumberHoweverBusyTheSeriesIs(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := seriesOf("acme", "granted", "G-{seq}", onLossReuse)
	s.Range = &NumberRange{First: 1, Last: 5000}
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, db, store)
	r.mustBecomeBusy(t, who, "granted")
	req := request(who, "key", "body")
	req.Draft.Series = "granted"
	r.mustIssue(t, req)
	if got := r.mustIssue(t, req); !got.Replayed || r.numbers.Stats().Returned != 0 {
		t.Errorf("replayed %v, and %d numbers were given back", got.Replayed, r.numbers.Stats().Returned)
	}
}

func TestARepeatIsAnsweredWhileNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	r := newReplicaWith(t, db, store, WriterConfig{Bound: 10 * time.Second})
	first := r.mustIssue(t, strictRequest(who, s.Name, "key", "body"))
	holdUpWrites(t, db)
	if got, err := r.Issue(t.Context(), strictRequest(who, s.Name, "other", "it waits")); err == nil {
		t.Fatalf("issued %+v under the lock", got)
	}
	p, err := r.prepare(t.Context(), strictRequest(who, s.Name, "key", "body"))
	if err != nil {
		t.Fatal(err)
	}
	if r.meets(p) {
		t.Error("the repeat would wait for the writer, who cannot write")
	}
	if got := r.mustIssue(t, strictRequest(who, s.Name, "key", "body")); got.Invoice.ID != first.Invoice.ID || !got.Replayed {
		t.Errorf("got %+v", got)
	}
}

// A burst, then a repeat, then nothing: what is left goes back, even where what a
// replica loses becomes void.
func TestARepeatPinsNoBlock(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	if err := db.CreateSeries(t.Context(), seriesOf("acme", "void", "V-{seq}", onLossVoid)); err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, db, store)
	r.mustBecomeBusy(t, who, "void")
	req := request(who, "key", "body")
	req.Draft.Series = "void"
	r.mustIssue(t, req)
	if got := r.mustIssue(t, req); !got.Replayed || r.numbers.Stats().Returned != 1 {
		t.Fatalf("replayed %v, and %d numbers were given back, want one", got.Replayed, r.numbers.Stats().Returned)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Void.Count != 0 || a.Held.Count != 0 || a.Free.Count == 0 {
			t.Errorf("%d void, %d held, %d free; want the rest of the block free", a.Void.Count, a.Held.Count, a.Free.Count)
		}
	}
}
