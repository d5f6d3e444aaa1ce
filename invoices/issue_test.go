package invoices

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

func TestAQuietTenantSeesNumbersInOrderFromAnyReplica(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	one, two := newReplica(t, db, store), newReplica(t, db, store)
	for i := range 6 {
		r := one
		if i%2 == 1 {
			r = two
		}
		got := r.mustIssue(t, request(who, fmt.Sprintf("key-%d", i), "n"))
		if want := int64(i + 1); got.Invoice.Number != want || got.Replayed {
			t.Fatalf("request %d got number %d, replayed %v; want %d, false", i, got.Invoice.Number, got.Replayed, want)
		}
		r.mustIssue(t, request(who, fmt.Sprintf("key-%d", i), "n")) // a repeat takes no number
	}
	mustBeClean(t, db, store)
}

func TestAnInvoiceComesBackAsItWasAnswered(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	got := r.mustIssue(t, request(who, "", "no key"))
	if got.Invoice.PrintedNumber != "INV-2026-000001" || got.Invoice.Series != "invoice" || got.Invoice.Period != "2026" {
		t.Errorf("got %+v", got.Invoice)
	}
	read, err := db.Invoice(t.Context(), who.Tenant, got.Invoice.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Invoice, read); diff != "" {
		t.Errorf("answered (-) and read (+) differ:\n%s", diff)
	}
}

func TestARepeatGetsTheSameInvoiceAndAnotherBodyIsRefused(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	first := newReplica(t, db, store).mustIssue(t, request(who, "key", "body"))
	other := newReplica(t, db, store)
	again := other.mustIssue(t, request(who, "key", "body"))
	if diff := cmp.Diff(first.Invoice, again.Invoice); diff != "" || !again.Replayed {
		t.Errorf("replayed %v, first (-) and repeat (+):\n%s", again.Replayed, diff)
	}
	if _, err := other.Issue(t.Context(), request(who, "key", "another body")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("another body: %v, want ErrRequestReused", err)
	}
	stranger := newTenant(t, db, "globex")
	if got := other.mustIssue(t, request(stranger, "key", "another body")); got.Replayed || got.Invoice.Number != 1 {
		t.Errorf("another tenant's same key: %+v", got)
	}
}

// At the same time, on two replicas and within one batch: one invoice, and as
// many answers with it as there were requests.
func TestTheSameKeyAtTheSameTimeMakesOneInvoice(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	const keys, repeats = 20, 8
	var mu sync.Mutex
	ids := make(map[string]map[string]int) // by key and id: how often
	fresh := make(map[string]int)
	var wg sync.WaitGroup
	for k := range keys {
		for i := range repeats {
			wg.Go(func() {
				key := fmt.Sprintf("key-%d", k)
				got, err := replicas[i%2].Issue(t.Context(), request(who, key, "body"))
				if err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if ids[key] == nil {
					ids[key] = make(map[string]int)
				}
				ids[key][got.Invoice.ID]++
				if !got.Replayed {
					fresh[key]++
				}
			})
		}
	}
	wg.Wait()
	for key, got := range ids {
		if len(got) != 1 || fresh[key] != 1 {
			t.Errorf("%s: ids %v, %d of them not replayed", key, got, fresh[key])
		}
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != keys {
		t.Errorf("%d documents, want %d", n, keys)
	}
	mustBeClean(t, db, store)
	for _, r := range replicas {
		r.stop()
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 || a.Issued.Count != keys || a.Void.Count != 0 {
			t.Errorf("after a graceful stop: %+v", a)
		}
	}
}

func TestAnUnknownSeriesIsAFieldError(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	req := request(who, "", "n")
	req.Draft.Series = "nope"
	_, err := newReplica(t, db, &countertest.Mem{}).Issue(t.Context(), req)
	if got := pointers(err); !cmp.Equal(got, []string{"/series"}) {
		t.Errorf("%v names %v, want /series", err, got)
	}
}

func TestARequestThatEndsBeforeItsBatchIsNotWritten(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	db.batches.SetMaxOpenConns(1)
	line, err := db.connect(t.Context()) // the only connection: nothing can be sent
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Issue(ctx, request(who, "key", "n")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	line.keep()
	if got := r.mustIssue(t, request(who, "other", "n")); got.Invoice.Number != 1 {
		t.Errorf("the number of the withdrawn request was lost: the next is %d", got.Invoice.Number)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}
