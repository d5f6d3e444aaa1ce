package invoices

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"folio/counter/countertest"
	"folio/invoices/document"

	"github.com/google/go-cmp/cmp"
)

// draftRequest is a wish for a draft with this body.
func draftRequest(t testing.TB, who Identity, id, body string) DraftRequest {
	t.Helper()
	r := DraftRequest{Identity: who, ID: id, Content: []byte(body)}
	var err error
	if r.Digest, err = document.Digest(r.Content); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(r.Content, &r.Draft); err != nil {
		t.Fatal(err)
	}
	return r
}

// wholeBody is a draft that can be issued.
const wholeBody = `{"issue_date":"2026-03-14","currency":"EUR","customer":{"name":"Ada"},"lines":[{"description":"x","quantity":"2","unit_price":"50.00","tax":{"category":"S","rate":"20"}}]}`

func (r *replica) mustDraft(t testing.TB, req DraftRequest) SavedDraft {
	t.Helper()
	d, _, err := r.CreateDraft(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// change gives a draft another body.
func (r *replica) change(t testing.TB, who Identity, d SavedDraft, body string) (SavedDraft, error) {
	t.Helper()
	next := draftRequest(t, who, "", body)
	return r.ChangeDraft(t.Context(), who, d.ID, d.Version, next.Draft, next.Content)
}

func TestADraftIsKeptChangedAndRemoved(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	d := r.mustDraft(t, draftRequest(t, who, "", `{"note":"a"}`))
	if d.Status != "open" || d.Version != 1 || d.ETag() != `"1"` || string(d.Content) != `{"note":"a"}` || d.Invoice != "" || !isDraftID(d.ID) {
		t.Errorf("made %+v", d)
	}
	if read, err := r.Draft(t.Context(), who.Tenant, d.ID); err != nil || !cmp.Equal(read, d) {
		t.Errorf("read %+v, %v", read, err)
	}
	changed, err := r.change(t, who, d, `{"note":"b"}`)
	if err != nil || changed.Version != 2 || string(changed.Content) != `{"note":"b"}` || changed.ETag() == d.ETag() {
		t.Errorf("changed to %+v, %v", changed, err)
	}
	if _, err := r.change(t, who, d, `{"note":"c"}`); !errors.Is(err, ErrDraftChanged) {
		t.Errorf("changed at an old version: %v", err)
	}
	if _, err := r.change(t, who, changed, `{"currency":"ZZZ"}`); !cmp.Equal(pointers(err), []string{"/currency"}) {
		t.Errorf("a bad currency: %v", err)
	}
	if err := r.DeleteDraft(t.Context(), who.Tenant, d.ID, 1); !errors.Is(err, ErrDraftChanged) {
		t.Errorf("removed at an old version: %v", err)
	}
	if err := r.DeleteDraft(t.Context(), who.Tenant, d.ID, 2); err != nil {
		t.Error(err)
	}
	if _, err := r.Draft(t.Context(), who.Tenant, d.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestADraftIsMadeOncePerRequest(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who, other := newTenant(t, db, "acme"), newTenant(t, db, "globex")
	r := newReplica(t, db, &countertest.Mem{})
	var mu sync.Mutex
	ids, fresh := make(map[string]bool), 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d, replayed, err := r.CreateDraft(t.Context(), draftRequest(t, who, "key", `{"note":"a"}`))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ids[d.ID] = true; !replayed {
				fresh++
			}
		})
	}
	all.Wait()
	if len(ids) != 1 || fresh != 1 {
		t.Errorf("ids %v, %d fresh", ids, fresh)
	}
	if _, _, err := r.CreateDraft(t.Context(), draftRequest(t, who, "key", `{"note":"b"}`)); !errors.Is(err, ErrRequestReused) {
		t.Errorf("another body: %v", err)
	}
	if d, replayed, err := r.CreateDraft(t.Context(), draftRequest(t, other, "key", `{"note":"b"}`)); err != nil || replayed || ids[d.ID] {
		t.Errorf("another tenant's same key: %+v, %v, %v", d, replayed, err)
	}
}

func TestDraftsAreListedInTheOrderInWhichTheyWereMade(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who, other := newTenant(t, db, "acme"), newTenant(t, db, "globex")
	r := newReplica(t, db, &countertest.Mem{})
	var want []string
	for i := range 7 {
		want = append(want, r.mustDraft(t, draftRequest(t, who, "", fmt.Sprintf(`{"note":"%d"}`, i))).ID)
		r.mustDraft(t, draftRequest(t, other, "", `{}`))
	}
	for limit := 1; limit <= 8; limit++ {
		var got []string
		for cursor := ""; ; {
			p, err := r.ListDrafts(t.Context(), who.Tenant, limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range p.Drafts {
				got = append(got, d.ID)
			}
			if cursor = p.NextCursor; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d, want (-) got (+):\n%s", limit, diff)
		}
	}
	if _, err := r.ListDrafts(t.Context(), who.Tenant, 0, "dft_x"); !cmp.Equal(pointers(err), []string{"cursor"}) {
		t.Errorf("a bad cursor: %v", err)
	}
	if _, err := r.ListDrafts(t.Context(), who.Tenant, 101, ""); !cmp.Equal(pointers(err), []string{"limit"}) {
		t.Errorf("a bad limit: %v", err)
	}
}

func TestAnotherTenantsDraftIsNotFound(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who, other := newTenant(t, db, "acme"), newTenant(t, db, "globex")
	r := newReplica(t, db, &countertest.Mem{})
	d := r.mustDraft(t, draftRequest(t, who, "", wholeBody))
	if _, err := r.Draft(t.Context(), other.Tenant, d.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("read: %v", err)
	}
	if _, err := r.change(t, other, d, `{}`); !errors.Is(err, ErrNotFound) {
		t.Errorf("changed: %v", err)
	}
	if err := r.DeleteDraft(t.Context(), other.Tenant, d.ID, 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	if _, err := r.IssueDraft(t.Context(), other, d.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("issued: %v", err)
	}
	for _, id := range []string{"", "dft_", d.ID + "0", d.ID[1:], "dft_\x00", "dft_" + d.ID[4:len(d.ID)-1] + "v"} {
		if _, err := r.IssueDraft(t.Context(), who, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q was issued: %v", id, err)
		}
	}
}

func TestIssuingADraftTwiceGivesTheSameInvoice(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	d := replicas[0].mustDraft(t, draftRequest(t, who, "", wholeBody))
	var mu sync.Mutex
	got, fresh := make(map[string]Invoice), 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			one, err := replicas[i%2].IssueDraft(t.Context(), who, d.ID)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if got[one.Invoice.ID] = one.Invoice; !one.Replayed {
				fresh++
			}
		})
	}
	all.Wait()
	if len(got) != 1 || fresh != 1 {
		t.Errorf("%d invoices, %d fresh", len(got), fresh)
	}
	later := who
	later.Currency, later.Seller = "USD", document.Party{Name: "Other"} // what the draft does not say may change
	again, err := replicas[1].IssueDraft(t.Context(), later, d.ID)
	if err != nil || !again.Replayed || !cmp.Equal(again.Invoice, got[again.Invoice.ID]) {
		t.Errorf("again: %+v, %v", again, err)
	}
	read, err := replicas[0].Draft(t.Context(), who.Tenant, d.ID)
	if err != nil || read.Status != "issued" || read.Invoice != again.Invoice.ID || read.ETag() == d.ETag() {
		t.Errorf("the draft reads %+v, %v", read, err)
	}
	if _, err := replicas[0].change(t, who, read, `{}`); !errors.Is(err, ErrDraftIssued) {
		t.Errorf("changed: %v", err)
	}
	if err := replicas[0].DeleteDraft(t.Context(), who.Tenant, d.ID, 0); !errors.Is(err, ErrDraftIssued) {
		t.Errorf("removed: %v", err)
	}
	for _, r := range replicas {
		r.stop()
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 1 || a.Held.Count != 0 || a.Void.Count != 0 {
			t.Errorf("%+v, want 1 issued and none held or void", a)
		}
	}
}

func TestADraftThatCannotBeIssuedIsNotFrozen(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	d := r.mustDraft(t, draftRequest(t, who, "", `{"currency":"EUR","lines":[{"description":"x"}]}`))
	_, err := r.IssueDraft(t.Context(), who, d.ID)
	if want := []string{"/customer/name", "/lines/0/quantity", "/lines/0/unit_price", "/lines/0/tax/category"}; !cmp.Equal(pointers(err), want) {
		t.Errorf("%v, want errors at %v", err, want)
	}
	d, err = r.change(t, who, d, `{"series":"none",`+wholeBody[1:])
	if err != nil {
		t.Fatalf("after it was refused: %v", err)
	}
	if _, err := r.IssueDraft(t.Context(), who, d.ID); !cmp.Equal(pointers(err), []string{"/series"}) {
		t.Errorf("a series that is none: %v", err)
	}
	if _, err := r.change(t, who, d, wholeBody); err != nil {
		t.Errorf("after it was refused: %v", err)
	}
	if got, err := r.IssueDraft(t.Context(), who, d.ID); err != nil || got.Replayed || got.Invoice.Number != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// As after an outcome that was not told.
func TestAFrozenDraftIsIssuedByTheSameCall(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	d := r.mustDraft(t, draftRequest(t, who, "", wholeBody))
	if err := db.freeze(t.Context(), who.Tenant, d.ID, d.Version, d.CreatedAt); err != nil {
		t.Fatal(err)
	}
	frozen, err := r.Draft(t.Context(), who.Tenant, d.ID)
	if err != nil || frozen.Status != "issuing" || frozen.ETag() == d.ETag() || frozen.Invoice != "" {
		t.Errorf("it reads %+v, %v", frozen, err)
	}
	if got, err := r.IssueDraft(t.Context(), who, d.ID); err != nil || got.Replayed || got.Invoice.Number != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A client that sends the id of a draft as its own key gets an invoice of its own.
func TestNoClientCanSendTheRequestIDOfADraft(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, &countertest.Mem{})
	d := r.mustDraft(t, draftRequest(t, who, "", wholeBody))
	mine := r.mustIssue(t, request(who, fromDraft+d.ID, "n")).Invoice
	got, err := r.IssueDraft(t.Context(), who, d.ID)
	if err != nil || got.Replayed || got.Invoice.ID == mine.ID {
		t.Errorf("%+v, %v", got, err)
	}
	r.mustIssue(t, request(who, fromCancel+mine.ID, "n"))
	if note := r.mustCancel(t, cancellation(who, mine.ID, "", nil)); note.Replayed || note.Invoice.Credits != mine.ID {
		t.Errorf("%+v", note)
	}
}
