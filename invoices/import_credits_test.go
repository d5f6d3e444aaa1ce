package invoices

import (
	"errors"
	"strings"
	"testing"

	"folio/counter/countertest"
	"folio/invoices/document"
)

const withCredits = `number,issue_date,currency,net,gross,customer_name,kind,credits,description,tax_category,tax_rate
1,2025-03-01,EUR,100.00,120.00,Ada,,,,,
2,2025-03-01,EUR,50.00,60.00,Ada,,,Consulting,S,20
1,2025-03-02,EUR,50.00,60.00,Ada,credit_note,INV-2025-000001,,,
2,2025-03-03,EUR,50.00,60.00,Ada,credit_note,INV-2025-000001,,,
`

func TestImportedCreditNotesAreBookedOnTheirInvoices(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	const more = "3,2025-03-04,EUR,0.01,0.01,Ada,credit_note,INV-2025-000001,,,\n"
	if got := im.refused(t, strings.NewReader(withCredits+more)); len(got) != 1 || got[0] != "line 6: with this credit note those of INV-2025-000001 come to 120.01, but it to 120.00" {
		t.Errorf("%q", got)
	}
	im.mustImport(t, withCredits)
	mustBalance(t, db)
	first, second := key{series2025(), 1}, key{series2025(), 2}
	if got := mustRead(t, db, who, first.encode(idPrefix)); got.Status != "cancelled" || got.Credited != "120.00" || len(got.CreditNotes) != 2 {
		t.Errorf("%+v", got)
	}
	header, _, _ := strings.Cut(withCredits, "\n")
	if got := im.refused(t, strings.NewReader(header+"\n"+more)); len(got) != 1 {
		t.Errorf("%q", got)
	}
	r := newReplica(t, db, store)
	if _, err := r.Cancel(t.Context(), cancellation(who, first.encode(idPrefix), "", nil)); !errors.Is(err, ErrNothingLeft) {
		t.Errorf("an invoice that is credited in full: %v", err)
	}
	note := r.mustCancel(t, cancellation(who, second.encode(idPrefix), "", nil)).Invoice
	if note.Totals.Gross != "60.00" || note.Credits != second.encode(idPrefix) || note.CreditsPrinted == "" || len(note.Lines) != 1 {
		t.Errorf("%+v", note)
	}
	mustBalance(t, db)
	r.stop()
	mustBeClean(t, db, store)
}

// An imported invoice without lines is credited as a whole.
func TestAnImportedInvoiceOfWhichOnlyTheSumsAreKnownCanBeCancelled(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	importer(t, db, store, "csv").mustImport(t, old(1))
	r := newReplica(t, db, store)
	id := key{series2025(), 1}.encode(idPrefix)
	who.Seller = document.Party{Name: "Acme", TaxID: "ATU1"}
	if _, err := r.Cancel(t.Context(), cancellation(who, id, "p", []document.CancelLine{{Line: new(int)}})); err == nil {
		t.Error("a line that is not known was credited")
	}
	note := r.mustCancel(t, cancellation(who, id, "", nil)).Invoice
	if note.Totals.Gross != "120.00" || note.Lines == nil || note.Totals.Taxes == nil || note.Seller == nil || *note.Seller != who.Seller {
		t.Errorf("%+v", note)
	}
	if got := mustRead(t, db, who, id); got.Status != "cancelled" {
		t.Errorf("%+v", got)
	}
	mustBalance(t, db)
}
