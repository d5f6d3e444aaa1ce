package invoices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
)

// part asks for a quantity of a line.
func part(line int, quantity string) []document.CancelLine {
	return []document.CancelLine{{Line: &line, Quantity: quantity}}
}

// cancellation is a wish for a credit note of an invoice; without lines, of the
// rest. Its digest is that of its body, as the edge makes it.
func cancellation(who Identity, invoice, id string, lines []document.CancelLine) CancelRequest {
	c := document.Cancellation{IssueDate: "2026-04-01", Reason: "returned", Lines: lines}
	body, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	digest, err := document.Digest(body)
	if err != nil {
		panic(err)
	}
	return CancelRequest{Identity: who, ID: id, Invoice: invoice, Digest: digest, Cancellation: c}
}

// mustCancel cancels within ten seconds.
func (r *replica) mustCancel(t testing.TB, req CancelRequest) Issued {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := r.Cancel(ctx, req)
	if err != nil {
		t.Fatalf("cancel %s: %v", req.Invoice, err)
	}
	return got
}

// mustRead reads an invoice.
func mustRead(t testing.TB, db *DB, who Identity, id string) Invoice {
	t.Helper()
	i, err := db.Invoice(t.Context(), who.Tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// mustBalance holds the accounts of all invoices against the credit notes that
// are stored.
func mustBalance(t testing.TB, db *DB) {
	t.Helper()
	if n := unbalanced(t, db); n != 0 {
		t.Errorf("%d accounts or credit notes do not balance", n)
	}
}

// unbalanced counts the accounts that say something else than the credit notes of
// their invoice, or have more than its gross, and the credit notes on no account.
func unbalanced(t testing.TB, db *DB) int {
	t.Helper()
	return ask[int](t, db, `
		select (
			select count(*) from credits c join documents d using (tenant, series, period, number)
			left join lateral (
				select coalesce(sum(n.gross), 0) as credited, count(*) as notes from documents n
				where n.tenant = c.tenant and n.credits_series = c.series and n.credits_period = c.period and n.credits_number = c.number) s on true
			where c.gross <> d.gross or c.credited <> s.credited or c.notes <> s.notes or abs(s.credited) > abs(d.gross)
		) + (
			select count(*) from documents d
			where d.credits_number is not null and not exists (
				select 1 from credit_notes n
				where (n.tenant, n.series, n.period, n.number) = (d.tenant, d.series, d.period, d.number)
					and (n.invoice_series, n.invoice_period, n.invoice_number) = (d.credits_series, d.credits_period, d.credits_number)))`)
}

func TestTheBalanceIsHeldAgainstTheNotes(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	r.mustCancel(t, cancellation(who, inv.ID, "a", part(0, "1")))
	mustBalance(t, db)
	db.exec(t, `update credits set credited = 59`)
	if unbalanced(t, db) != 1 {
		t.Error("an account with another sum balances")
	}
	db.exec(t, `update credits set credited = 60, notes = 2`)
	if unbalanced(t, db) != 1 {
		t.Error("an account with a note too many balances")
	}
	db.exec(t, `update credits set notes = 1`)
	db.exec(t, `alter table credit_notes disable trigger user`)
	db.exec(t, `delete from credit_notes`)
	if unbalanced(t, db) != 1 {
		t.Error("a note on no account balances")
	}
}

func TestCancellingCreditsTheWholeAndLinksBothWays(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	who.Seller = document.Party{Name: "Acme", TaxID: "ATU1"}
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	later := who
	later.Seller = document.Party{Name: "Acme and Sons"}

	got := r.mustCancel(t, cancellation(later, inv.ID, "", nil))
	note := got.Invoice
	if got.Replayed || note.Kind != "credit_note" || note.Series != "credit-note" || note.PrintedNumber != "CN-2026-000001" ||
		note.Credits != inv.ID || note.CreditsPrinted != inv.PrintedNumber {
		t.Errorf("got %+v", note)
	}
	if note.Note != "returned" || note.Currency != inv.Currency || note.Customer != inv.Customer || !cmp.Equal(note.Seller, inv.Seller) ||
		!cmp.Equal(note.Lines, inv.Lines) || !cmp.Equal(note.Totals, inv.Totals) {
		t.Errorf("the note says %+v, the invoice %+v", note, inv)
	}
	read := mustRead(t, db, who, inv.ID)
	if read.Status != "cancelled" || read.Credited != inv.Totals.Gross || !cmp.Equal(read.CreditNotes, []string{note.ID}) {
		t.Errorf("the invoice reads %s, credited %q by %v", read.Status, read.Credited, read.CreditNotes)
	}
	if diff := cmp.Diff(note, mustRead(t, db, who, note.ID)); diff != "" {
		t.Errorf("the note was answered (-) and reads (+):\n%s", diff)
	}
	if again := r.mustCancel(t, cancellation(later, inv.ID, "", nil)); !again.Replayed || !cmp.Equal(again.Invoice, note) {
		t.Errorf("the repeat of the note is answered %+v", again.Invoice)
	}
	if again := r.mustIssue(t, request(who, "one", "n")); !cmp.Equal(again.Invoice, inv) {
		t.Errorf("the repeat of the invoice is answered %+v", again.Invoice)
	}
	mustBalance(t, db)
	mustBeClean(t, db, store)
}

func TestCancellingTwiceGivesTheSameCreditNote(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	inv := replicas[0].mustIssue(t, request(who, "one", "n")).Invoice
	const times = 8
	var mu sync.Mutex
	fresh, ids := 0, make(map[string]int)
	var all sync.WaitGroup
	for i := range times {
		all.Go(func() {
			wish := cancellation(who, inv.ID, fmt.Sprint(i), nil)
			wish.Reason = fmt.Sprint("reason ", i)
			got, err := replicas[i%2].Cancel(t.Context(), wish)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			} else if ids[got.Invoice.ID]++; !got.Replayed {
				fresh++
			}
		})
	}
	all.Wait()
	if len(ids) != 1 || fresh != 1 {
		t.Errorf("ids %v, %d of them fresh", ids, fresh)
	}
	if n := ask[int](t, db, `select count(*) from documents where kind = 'credit_note'`); n != 1 {
		t.Errorf("%d credit notes, want 1", n)
	}
	mustBalance(t, db)
	for _, r := range replicas {
		r.stop()
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 || a.Void.Count != 0 {
			t.Errorf("%+v: held or void after a graceful stop", a)
		}
	}
}

func TestWhatCannotBeCancelledIsRefused(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who, stranger := newTenant(t, db, "acme"), newTenant(t, db, "globex")
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	other := r.mustIssue(t, request(who, "two", "n")).Invoice
	whole := r.mustIssue(t, request(who, "three", "n")).Invoice
	note := r.mustCancel(t, cancellation(who, whole.ID, "", nil)).Invoice
	r.mustCancel(t, cancellation(who, inv.ID, "key", part(0, "1")))
	external := key{Series: series2026(who), Number: 77}
	db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, kind, request_id, digest, key_id, issue_date, printed_number)
		values ('acme', 'invoice', '2026', 77, 'issued', now(), 'external', 's:x', '\x00', 'k', '2026-01-01', 'X')`)

	with := func(change func(*CancelRequest)) CancelRequest {
		req := cancellation(who, inv.ID, "", nil)
		change(&req)
		return req
	}
	for name, c := range map[string]struct {
		req  CancelRequest
		want error
		at   string
	}{
		"nothing of that id":         {cancellation(who, "inv_aa", "", nil), ErrNotFound, ""},
		"another tenant's":           {cancellation(stranger, inv.ID, "", nil), ErrNotFound, ""},
		"an external number":         {cancellation(who, external.encode(idPrefix), "", nil), ErrNotFound, ""},
		"a credit note":              {cancellation(who, note.ID, "", nil), ErrCreditNote, ""},
		"a part of nothing":          {cancellation(who, whole.ID, "k2", part(0, "1")), ErrNothingLeft, ""},
		"more than is left":          {cancellation(who, inv.ID, "k3", part(0, "1.5")), ErrOverCredited, ""},
		"the key with another body":  {cancellation(who, inv.ID, "key", part(0, "0.5")), ErrRequestReused, ""},
		"the key of another invoice": {cancellation(who, other.ID, "key", part(0, "1")), ErrRequestReused, ""},
		"the key of an issue":        {cancellation(who, other.ID, "one", part(0, "1")), ErrRequestReused, ""},
		"a series of invoices":       {with(func(r *CancelRequest) { r.Series = "invoice" }), nil, "/series"},
		"no series":                  {with(func(r *CancelRequest) { r.Series = "none" }), nil, "/series"},
		"a bad series":               {with(func(r *CancelRequest) { r.Series = "a/b" }), nil, "/series"},
		"a date before the invoice":  {with(func(r *CancelRequest) { r.IssueDate = "2026-03-13" }), nil, "/issue_date"},
		"a bad date":                 {with(func(r *CancelRequest) { r.IssueDate = "x" }), nil, "/issue_date"},
		"a NUL":                      {with(func(r *CancelRequest) { r.Reason = "\x00" }), nil, "/reason"},
		"no lines":                   {with(func(r *CancelRequest) { r.Lines = []document.CancelLine{} }), nil, "/lines"},
		"a line without its index":   {with(func(r *CancelRequest) { r.Lines = []document.CancelLine{{Quantity: "1"}} }), nil, "/lines/0/line"},
		"a line that is none":        {with(func(r *CancelRequest) { r.Lines = part(1, "1") }), nil, "/lines/0/line"},
		"too much of a line":         {with(func(r *CancelRequest) { r.Lines = part(0, "3") }), nil, "/lines/0/quantity"},
	} {
		_, err := r.Cancel(t.Context(), c.req)
		if c.want != nil && !errors.Is(err, c.want) || c.at != "" && !cmp.Equal(pointers(err), []string{c.at}) {
			t.Errorf("%s: %v, want %v %s", name, err, c.want, c.at)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents where kind = 'credit_note'`); n != 2 {
		t.Errorf("%d credit notes, want 2", n)
	}
	mustBalance(t, db)
}

// The last wall: whatever computes the notes, Postgres books no more than the
// gross, and keeps what was noted.
func TestPostgresRefusesToBookMoreThanTheGross(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	r.mustCancel(t, cancellation(who, inv.ID, "a", part(0, "1")))
	for _, statement := range []string{
		`update credits set credited = 120.01`, `update credits set credited = -0.01`,
		`update credit_notes set place = 2`, `delete from credit_notes`, `truncate credit_notes`,
	} {
		if _, err := db.rest.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was not refused", statement)
		}
	}
}

// A note that was computed before another was issued is not stored, and its
// number is given next.
func TestANoteThatWasComputedTooEarlyIsNotStored(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	of, _ := decodeKey(idPrefix, inv.ID)
	early, err := r.prepareCredit(t.Context(), cancellation(who, inv.ID, "early", part(0, "2")), of)
	if err != nil {
		t.Fatal(err)
	}
	early.RequestID = "c:early"
	r.mustCancel(t, cancellation(who, inv.ID, "first", part(0, "1")))
	if _, err := r.store(t.Context(), early); !errors.Is(err, errMoved) {
		t.Fatalf("got %v, want errMoved", err)
	}
	if got := r.mustCancel(t, cancellation(who, inv.ID, "", nil)); got.Invoice.Number != 2 {
		t.Errorf("the next note has number %d, want 2", got.Invoice.Number)
	}
	mustBalance(t, db)
	mustBeClean(t, db, store)
}

// Changing the tenant changes no document that was issued.
func TestTheSellerOfAnIssuedDocumentNeverChanges(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	db.exec(t, `update tenants set legal_name = 'Acme', tax_id = 'ATU1', address = '{"street":"Ring 1","country":"AT"}'`)
	_, text, err := (&Keys{DB: db}).Create(t.Context(), "acme", NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	who, err := (&Keys{DB: db}).Authenticate(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, db, &countertest.Mem{})
	inv := r.mustIssue(t, request(who, "one", "n")).Invoice
	db.exec(t, `update tenants set legal_name = 'Other', tax_id = '', address = null`)
	changed, err := (&Keys{DB: db}).Authenticate(t.Context(), text)
	if err != nil || changed.Seller.Name != "Other" {
		t.Fatalf("the key now speaks for %+v, %v", changed.Seller, err)
	}
	want := &document.Party{Name: "Acme", TaxID: "ATU1", Address: &document.Address{Street: "Ring 1", Country: "AT"}}
	if read := mustRead(t, db, changed, inv.ID); !cmp.Equal(read.Seller, want) {
		t.Errorf("the seller reads %+v", read.Seller)
	}
	if again := r.mustIssue(t, request(changed, "one", "n")); !cmp.Equal(again.Invoice.Seller, want) {
		t.Errorf("the repeat names %+v", again.Invoice.Seller)
	}
	if note := r.mustCancel(t, cancellation(changed, inv.ID, "", nil)); !cmp.Equal(note.Invoice.Seller, want) {
		t.Errorf("the credit note names %+v", note.Invoice.Seller)
	}
}
