package invoices

import (
	"errors"
	"fmt"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// The number of the first item is used by a row that the counter knows nothing of. In a
// busy series a key is not looked for before a row is written.
func TestAKeyOfNumbersThatCouldNotAllBeWrittenIsOfOneRequestOnly(t *testing.T) {
	t.Parallel()
	for _, other := range []struct {
		name string
		send func(*replica, Identity) error
	}{
		{"one number", func(r *replica, who Identity) error {
			_, err := r.TakeNumbers(t.Context(), wish(who, "key", 1))
			return err
		}},
		{"an invoice", func(r *replica, who Identity) error {
			_, err := r.Issue(t.Context(), request(who, "key", "n"))
			return err
		}},
	} {
		t.Run(other.name, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			r := newReplica(t, db, store)
			last := r.mustBecomeBusy(t, who, "")
			w := wish(who, "key", 3)
			db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'invoice', '2026', $1, 'void', now(), 'replica_lost')`, last+1)
			p, err := r.prepareNumbers(t.Context(), w, requestID(w.ID))
			if err != nil {
				t.Fatal(err)
			}
			if made, err := r.record(t.Context(), p, []int{0, 1, 2}); err != nil || len(made) != 0 {
				t.Errorf("recorded %v, %v: others have the key by nothing but item 0", made, err)
			}
			mine := other.send(r, who)
			got, err := r.TakeNumbers(t.Context(), w)
			if (mine == nil) == (err == nil) || !errors.Is(errors.Join(mine, err), ErrRequestReused) {
				t.Errorf("of one key: three numbers %v (%v), another request %v; want one of them, and ErrRequestReused", got.Numbers, err, mine)
			}
			if n := ask[int](t, db, `select count(distinct digest) from documents where request_id = 'c:key'`); n != 1 {
				t.Errorf("%d requests have rows under the key, want one", n)
			}
			r.stop()
			mustBeClean(t, db, store)
		})
	}
}

func TestARequestForNumbersGoesOnWhenThatOfItsFirstItemIsUsed(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	first := r.mustTake(t, wish(who, "one", 1)).Numbers[0].Number
	db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'invoice', '2026', $1, 'void', now(), 'replica_lost')`, first+1)
	got := r.mustTake(t, wish(who, "three", 3))
	if want := r.mustTake(t, wish(who, "three", 3)); !cmp.Equal(got.Numbers, want.Numbers) || got.Replayed || !want.Replayed {
		t.Errorf("got %+v, and its repeat %+v", got, want)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 4 || a.Void.Count != 1 {
			t.Errorf("%+v, want 4 issued and 1 void: what was taken for the others went back", a)
		}
	}
}

// Once the first item is stored the key is the request's, whatever becomes of the rest.
func TestAKeyOfNumbersThatAreHalfStoredIsRefusedToOthers(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustBecomeBusy(t, who, "")
	w := wish(who, "key", 3)
	p, err := r.prepareNumbers(t.Context(), w, requestID(w.ID))
	if err != nil {
		t.Fatal(err)
	}
	if made, err := r.record(t.Context(), p, []int{0}); err != nil || len(made) != 1 { // and then the replica died
		t.Fatal(made, err)
	}
	if got, err := r.TakeNumbers(t.Context(), wish(who, "key", 1)); !errors.Is(err, ErrRequestReused) {
		t.Errorf("one number under the key: %v, %v; want ErrRequestReused", got, err)
	}
	if got, err := r.Issue(t.Context(), request(who, "key", "n")); !errors.Is(err, ErrRequestReused) {
		t.Errorf("an invoice under the key: %v, %v; want ErrRequestReused", got, err)
	}
	if got := r.mustTake(t, w); len(got.Numbers) != 3 {
		t.Errorf("got %v, want three", got.Numbers)
	}
	r.stop()
	mustBeClean(t, db, store)
}

// Requests that come at the same time have not found each other before they are
// written: in one batch, or in two of which the first is committed.
func TestAKeyOfStrictNumbersIsOfOneRequestOnly(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		t.Run(fmt.Sprint("in one batch ", together), func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			s, other := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "other")
			r := newReplica(t, db, store)
			invoice, err := r.prepare(t.Context(), strictRequest(who, other.Name, "key", "n"))
			if err != nil {
				t.Fatal(err)
			}
			invoice.RequestID = requestID("key")
			w := wish(who, "key", 3)
			w.Series = s.Name
			numbers, err := r.prepareNumbers(t.Context(), w, requestID(w.ID))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := r.rowsFor(t.Context(), numbers, []int{0, 1, 2})
			if err != nil {
				t.Fatal(err)
			}
			var entries []*entry
			submitInvoice := func() {
				e, err := r.Writer.submit(t.Context(), &invoice.row)
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, e)
			}
			submitNumbers := func() {
				all, err := r.Writer.submitAll(t.Context(), rows)
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, all...)
			}
			if together {
				gatherAll(t, r, 2, func() { submitInvoice(); submitNumbers() })
			} else {
				submitInvoice()
				eventually(t, "the invoice is stored", func() bool { return ask[int](t, db, `select count(*) from documents`) == 1 })
				submitNumbers()
			}
			for i, e := range entries {
				var want error
				if i > 0 {
					want = ErrRequestReused
				}
				if _, err := r.Writer.await(t.Context(), e); !errors.Is(err, want) {
					t.Errorf("row %d: %v, want %v", i, err, want)
				}
			}
			if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
				t.Errorf("%d documents, want the invoice", n)
			}
			mustHaveNoHole(t, db, store)
		})
	}
}

// Of two requests with one key the first gets no number, and the last of the other would
// get the one that is left: it would stand without its item 0.
func TestAStrictRequestHasItsKeyAlthoughItGetsNoNumber(t *testing.T) {
	t.Parallel()
	at := counter.Series{Tenant: "acme", Name: "gapless"}
	var entries []*entry
	for request, count := range []int{2, 3} {
		for item := range count {
			r := &row{RequestID: "c:key", Item: item, Digest: [32]byte{byte(request)}}
			r.Strict.Series, r.Strict.Within, r.Strict.More = at, counter.Range{First: 1, Last: 10}, count-1-item
			entries = append(entries, &entry{row: r})
		}
	}
	p := &strictPlan{counters: map[counter.Series]*strictCounter{at: {First: 1, Mark: 9, was: 9}}}
	p.place(entries, earlier{found: make([]bool, len(entries)), reused: make([]bool, len(entries))})
	if len(p.fresh) > 0 || !errors.Is(p.refused[entries[4]], ErrRequestReused) {
		t.Errorf("%d rows are to be stored, of the other request's third: %v", len(p.fresh), p.refused[entries[4]])
	}
}
