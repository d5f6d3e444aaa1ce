package invoices

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// Sixteen at once on two replicas, each a fifth of the line: five fit.
func TestConcurrentPartsNeverCreditMoreThanTheGross(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	inv := replicas[0].mustIssue(t, request(who, "one", "n")).Invoice // 2 × 50.00 and 20 %
	var mu sync.Mutex
	outcomes := make(map[string]int)
	credited := decimal.Zero
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			got, err := replicas[i%2].Cancel(t.Context(), cancellation(who, inv.ID, fmt.Sprint("part-", i), part(0, "0.4")))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				outcomes["credited"]++
				credited = credited.Add(decimal.RequireFromString(got.Invoice.Totals.Gross))
			case errors.Is(err, ErrOverCredited), errors.Is(err, ErrNothingLeft):
				outcomes["refused"]++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if want := map[string]int{"credited": 5, "refused": 11}; !cmp.Equal(outcomes, want) || credited.String() != "120" {
		t.Errorf("%v, credited %s; want %v, 120", outcomes, credited, want)
	}
	if read := mustRead(t, db, who, inv.ID); read.Status != "cancelled" || read.Credited != "120.00" || len(read.CreditNotes) != 5 {
		t.Errorf("the invoice reads %s, credited %s by %d", read.Status, read.Credited, len(read.CreditNotes))
	}
	mustBalance(t, db)
	for _, r := range replicas {
		r.stop()
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Series.Name == "credit-note" && (a.Issued.Count != 5 || a.Held.Count != 0 || a.Void.Count != 0) {
			t.Errorf("%+v, want 5 issued, none held or void", a)
		}
	}
}

// The same key at once: one note, although less than that is left after it.
func TestTheSamePartAtTheSameTimeIsCreditedOnce(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	inv := replicas[0].mustIssue(t, request(who, "one", "n")).Invoice
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := replicas[i%2].Cancel(t.Context(), cancellation(who, inv.ID, "key", part(0, "1.5"))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if read := mustRead(t, db, who, inv.ID); read.Credited != "90.00" || len(read.CreditNotes) != 1 {
		t.Errorf("credited %s by %v", read.Credited, read.CreditNotes)
	}
	mustBalance(t, db)
}

func TestThePartsAndTheRestComeToTheGross(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	req := request(who, "one", "n")
	req.Draft.Lines[0] = document.Line{Description: "x", Quantity: "3", UnitPrice: "33.335", Tax: document.Tax{Category: "S", Rate: "20"}}
	req.Draft.Charges = []document.Adjustment{{Amount: "5.00"}}
	inv := r.mustIssue(t, req).Invoice
	first := r.mustCancel(t, cancellation(who, inv.ID, "a", part(0, "1"))).Invoice
	if read := mustRead(t, db, who, inv.ID); read.Status != "issued" || read.Credited != first.Totals.Gross {
		t.Errorf("after a part the invoice reads %s, credited %s", read.Status, read.Credited)
	}
	if again := r.mustCancel(t, cancellation(who, inv.ID, "a", part(0, "1"))); !again.Replayed || !cmp.Equal(again.Invoice, first) {
		t.Errorf("a repeat of the part: %+v", again)
	}
	r.mustCancel(t, cancellation(who, inv.ID, "b", part(0, "1")))
	rest := r.mustCancel(t, cancellation(who, inv.ID, "", nil)).Invoice
	if len(rest.Charges) != 1 {
		t.Errorf("the rest has the charges %+v", rest.Charges)
	}
	read := mustRead(t, db, who, inv.ID)
	if read.Status != "cancelled" || read.Credited != inv.Totals.Gross || len(read.CreditNotes) != 3 || read.CreditNotes[2] != rest.ID {
		t.Errorf("the invoice reads %s, credited %s by %v", read.Status, read.Credited, read.CreditNotes)
	}
	listed, err := db.List(t.Context(), who.Tenant, Query{Series: "invoice"})
	if err != nil || len(listed.Invoices) != 1 || !cmp.Equal(listed.Invoices[0], read) {
		t.Errorf("listed %+v, %v; read %+v", listed.Invoices, err, read)
	}
	mustBalance(t, db)
	mustBeClean(t, db, store)
}
