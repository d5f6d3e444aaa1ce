package invoices

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter/countertest"
)

func TestACreditNoteWhoseAnswerIsLostIsStoredOnceWithItsNumber(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		store := &countertest.Mem{}
		who := newTenant(t, direct, "acme")
		r := newReplica(t, db, store)
		inv := r.mustIssue(t, request(who, "one", "n")).Invoice
		p.arm("insert into credit_notes", how)
		got := r.mustCancel(t, cancellation(who, inv.ID, "part", part(0, "1")))
		if got.Invoice.Number != 1 || got.Replayed {
			t.Errorf("got number %d, replayed %v; want 1, false", got.Invoice.Number, got.Replayed)
		}
		if read := mustRead(t, direct, who, inv.ID); read.Credited != "60.00" || len(read.CreditNotes) != 1 {
			t.Errorf("credited %s by %v", read.Credited, read.CreditNotes)
		}
		mustBalance(t, direct)
		r.stop()
		for _, a := range mustBeClean(t, direct, store) {
			if a.Held.Count != 0 || a.Issued.Count != 1 || a.Void.Count != 0 {
				t.Errorf("%+v, want 1 issued and none held or void", a)
			}
		}
	})
}

func TestOpeningAnAccountWhoseAnswerIsLostOpensIt(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		who := newTenant(t, direct, "acme")
		r := newReplica(t, db, &countertest.Mem{})
		inv := r.mustIssue(t, request(who, "one", "n")).Invoice
		p.arm("insert into credits (", how)
		if _, err := r.Cancel(t.Context(), cancellation(who, inv.ID, "", nil)); err != nil { // a reset is told; then it is tried again
			if !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
			r.mustCancel(t, cancellation(who, inv.ID, "", nil))
		}
		mustBalance(t, direct)
	})
}

// The first statement is still on its way when another note is issued; when it
// arrives at last it stores nothing, although nobody had its number meanwhile.
func TestACreditNoteThatArrivesLateStoresNothing(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	r, other := newReplica(t, db, store), newReplica(t, direct, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	p.arm("insert into credit_notes", delayed)
	p.onLost(func() { other.mustCancel(t, cancellation(who, inv.ID, "b", part(0, "1.5"))) })
	_, err := r.Cancel(t.Context(), cancellation(who, inv.ID, "a", part(0, "1")))
	if !errors.Is(err, ErrOverCredited) {
		t.Errorf("got %v, want ErrOverCredited", err)
	}
	p.letGo()
	p.waitForLate(t)
	if n := ask[int](t, direct, `select count(*) from documents where kind = 'credit_note'`); n != 1 {
		t.Errorf("%d credit notes, want 1", n)
	}
	mustBalance(t, direct)
	mustBeClean(t, direct, store)
}

// The statement is executed and not committed yet when its repeat waits for it.
func TestACreditNoteThatIsCommittedLateIsFound(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url+"&lock_timeout=100")
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	p.arm("insert into credit_notes", uncommitted)
	answered := make(chan error, 1)
	go func() {
		_, err := r.Cancel(t.Context(), cancellation(who, inv.ID, "a", part(0, "1")))
		answered <- err
	}()
	first := waitingBackend(t, direct, 0)
	waitingBackend(t, direct, first) // the first repeat was aborted
	p.letGo()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	p.waitForLate(t)
	if n := ask[int](t, direct, `select count(*) from documents where kind = 'credit_note'`); n != 1 {
		t.Errorf("%d credit notes, want 1", n)
	}
	mustBalance(t, direct)
	mustBeClean(t, direct, store)
}

func TestAFencedHolderStoresNoCreditNoteAndTheRequestGoesOn(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	was := r.numbers.Holder()
	db.exec(t, `update holders set fenced_at = now() where holder = $1`, was)
	r.mustCancel(t, cancellation(who, inv.ID, "", nil))
	if holder := ask[string](t, db, `select holder from documents where kind = 'credit_note'`); holder == was {
		t.Error("a fenced holder wrote")
	}
	mustBalance(t, db)
}

// Postgres crashes in the middle of cancellations: each invoice is credited once,
// in full, and every number accounted for.
func TestCreditNotesOutliveACrashOfPostgres(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, db := serverOfItsOwn(ctx, t)
	store := &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	const clients, each = 6, 12
	throughACrash(ctx, t, s, clients, each, func(c, i int) {
		creditUntilKnown(ctx, t, r, who, fmt.Sprintf("%d-%d", c, i))
	})
	if n := ask[int](t, db, `select count(*) from credits where closed and credited = gross and notes = 3`); n != clients*each {
		t.Errorf("%d invoices are credited in full by three notes, want %d", n, clients*each)
	}
	mustBalance(t, db)
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 {
			t.Errorf("%+v: held after a graceful stop", a)
		}
	}
}

// creditUntilKnown issues an invoice and credits it by two parts and the rest,
// each until it is known.
func creditUntilKnown(ctx context.Context, t *testing.T, r *replica, who Identity, id string) {
	untilKnown := func(do func() (Issued, error)) (got Issued) {
		for {
			var err error
			if got, err = do(); err == nil || ctx.Err() != nil {
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
				return got
			}
			if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("%s: %v", id, err)
				return got
			}
			pause(ctx, 1)
		}
	}
	inv := untilKnown(func() (Issued, error) { return r.Issue(ctx, request(who, id, "n")) }).Invoice
	for _, wish := range []CancelRequest{
		cancellation(who, inv.ID, id+"-a", part(0, "0.5")), cancellation(who, inv.ID, id+"-b", part(0, "0.5")), cancellation(who, inv.ID, "", nil),
	} {
		untilKnown(func() (Issued, error) { return r.Cancel(ctx, wish) })
	}
}
