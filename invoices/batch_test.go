package invoices

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter/countertest"
)

func TestANumberOnceOfferedIsNotHandedBackOnTheHoldersWord(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	rep.mustIssue(t, request(who, "one", "n"))
	holder := rep.numbers.Holder()
	p, err := rep.prepare(t.Context(), request(who, "two", "n"))
	if err != nil {
		t.Fatal(err)
	}
	p.RequestID, p.KeyID = requestID("two"), "\x00" // which Postgres refuses
	if got, err := rep.store(t.Context(), p); err == nil || errors.Is(err, ErrOutcomeUnknown) {
		t.Fatalf("%+v, %v", got, err)
	}
	rep.stop()
	if !ask[bool](t, db, `select fenced_at is not null from holders where holder = $1`, holder) {
		t.Error("a number was handed back without reading what is stored")
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 || a.Issued.Count != 1 || a.Void.Count != 0 {
			t.Errorf("%+v, want 1 issued and none held", a)
		}
	}
}

func TestAnotherBodyIsRefusedEvenWhenBothComeAtOnce(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	rep.mustIssue(t, request(who, "one", "a body"))
	if _, err := rep.issueUnseen(t.Context(), request(who, "one", "another")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("got %v, want ErrRequestReused", err)
	}
	if got := rep.mustIssue(t, request(who, "two", "n")); got.Invoice.Number != 2 {
		t.Errorf("the number of the refused request was lost: the next is %d", got.Invoice.Number)
	}
}

func TestANumberTakenByAZombieIsUsedUpAndTheNextIsGiven(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustIssue(t, request(who, "one", "n"))
	enrolled(t, db, "zombie")
	batchInFlight(t, db, insertBatch, "zombie", series2026(who), 2)()
	batchInFlight(t, db, insertBatch, "zombie", series2026(who), 3)()
	if got := r.mustIssue(t, request(who, "two", "n")); got.Invoice.Number != 4 {
		t.Errorf("got number %d, want 4", got.Invoice.Number)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 || a.Issued.Count != 4 {
			t.Errorf("%+v, want 4 issued and none held", a)
		}
	}
}

func TestDocumentsAreNeverChanged(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	for _, statement := range []string{
		`update documents set number = 2`, `delete from documents`, `truncate documents`,
	} {
		if _, err := db.rest.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was not refused", statement)
		}
	}
	if n := ask[int](t, db, `select number from documents`); n != 1 {
		t.Errorf("number is %d", n)
	}
}

func TestABadRowFailsAloneInItsBatch(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	db.exec(t, `alter table documents add check (content ->> 'note' <> 'bad')`)
	db.batches.SetMaxOpenConns(1)
	line, err := db.connect(t.Context()) // so that all gather in one batch
	if err != nil {
		t.Fatal(err)
	}
	const all = 9
	results := make(chan error, all)
	for i := range all {
		note := "good"
		if i == 4 {
			note = "bad"
		}
		go func() {
			_, err := r.Issue(t.Context(), request(who, fmt.Sprintf("key-%d", i), note))
			if (err != nil) != (note == "bad") {
				t.Errorf("%s row: %v", note, err)
			}
			results <- err
		}()
	}
	eventually(t, "all wait", func() bool { return len(r.Writer.queue) >= all-1 })
	line.keep()
	for range all {
		<-results
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != all-1 {
		t.Errorf("%d documents, want %d", n, all-1)
	}
	r.stop()
	mustBeClean(t, db, store)
}

func TestBatchesThatShareRequestsAllEnd(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const rounds, width = 20, 10
	for round := range rounds {
		done := make(chan error, 2*width)
		for which, r := range replicas {
			for i := range width {
				k := i
				if which == 1 {
					k = width - 1 - i
				}
				go func() {
					_, err := r.Issue(ctx, request(who, fmt.Sprintf("key-%d-%d", round, k), "n"))
					done <- err
				}()
			}
		}
		for range 2 * width {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != rounds*width {
		t.Errorf("%d documents, want %d", n, rounds*width)
	}
}
