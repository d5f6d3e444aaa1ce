package invoices

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
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

func TestARepeatInABatchFailsNoneOfItsNeighbours(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	before, r := newReplica(t, db, store), newReplica(t, db, store)
	first := before.mustIssue(t, request(who, "0", "n"))
	before.stop()
	answers := make([]Issued, 10)
	var all sync.WaitGroup
	gatherAll(t, r, len(answers), func() {
		for i := range answers {
			all.Go(func() {
				var err error
				if answers[i], err = r.issueUnseen(t.Context(), request(who, fmt.Sprint(i), "n")); err != nil {
					t.Error(err)
				}
			})
		}
	})
	all.Wait()
	numbers := make(map[int64]bool)
	for i, got := range answers {
		numbers[got.Invoice.Number] = true
		if got.Replayed != (i == 0) {
			t.Errorf("request %d: replayed %v", i, got.Replayed)
		}
	}
	if !numbers[first.Invoice.Number] || len(numbers) != len(answers) {
		t.Errorf("numbers %v, the repeat is %d", numbers, first.Invoice.Number)
	}
	if n := r.Writer.Stats().Batches; n > 3 {
		t.Errorf("%d batches, want one for all, and perhaps one before it and one of what it left", n)
	}
	r.stop()
	mustBeClean(t, db, store)
}

func TestABatchThatIsSentWithHopeStoresNothingIfARowIsThere(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	l, err := db.connectStrict(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.keep()
	rowsOf := func(numbers ...int64) (rows []*row) {
		for _, n := range numbers {
			r := row{
				Kind: kindExternal, RequestID: fmt.Sprint("c:", n), KeyID: "key", Printed: fmt.Sprint("N-", n), CreatedAt: time.Now(),
				Strict: strictPlace{Series: testSeries, Number: n},
			}
			r.Draft.IssueDate = "2026-03-14"
			rows = append(rows, &r)
		}
		return rows
	}
	if got, err := l.executeFresh("", rowsOf(1, 2, 3)); err != nil || !got.all || got.count != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := l.executeFresh("", rowsOf(3, 4, 5)); err == nil || !l.met(err) {
		t.Fatalf("%v, want that a row is there already", err)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 3 {
		t.Errorf("%d documents, want the 3 from before", n)
	}
	rows := rowsOf(3, 4, 5)
	got, err := l.execute("", rows)
	if err != nil || got.has(rows[0]) || !got.has(rows[1]) || !got.has(rows[2]) {
		t.Errorf("without hope: %+v, %v, want 4 and 5", got, err)
	}
}

func TestARowThatWasThereMakesTheNextBatchesWary(t *testing.T) {
	t.Parallel()
	var l line
	if !l.hopeful() || l.met(errors.New("another error")) || !l.hopeful() {
		t.Error("no hope before a row was met")
	}
	if !l.met(&pq.Error{Code: pqerror.UniqueViolation}) {
		t.Error("a unique violation is not met")
	}
	for i := range wariness {
		if l.hopeful() {
			t.Fatalf("hope again in batch %d", i)
		}
	}
	if !l.hopeful() {
		t.Error("no hope again")
	}
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
