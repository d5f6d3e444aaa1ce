package invoices

import (
	"errors"
	"testing"
	"time"

	"folio/counter/countertest"
)

func TestAWriteOfADraftWhoseAnswerIsLostIsFoundOut(t *testing.T) {
	for _, statement := range []string{"insert into drafts", "update drafts set content", "delete from drafts", "update drafts set frozen_at", "COMMIT"} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				who := newTenant(t, direct, "acme")
				r := newReplica(t, db, &countertest.Mem{})
				calm := newReplica(t, direct, &countertest.Mem{})
				var d SavedDraft
				if statement != "insert into drafts" {
					d = calm.mustDraft(t, draftRequest(t, who, "key", `{}`))
				}
				p.arm(statement, how)
				again := func(do func() error) { // who is told that nothing was stored sends it again
					err := do()
					if errors.Is(err, ErrUnavailable) {
						err = do()
					}
					if err != nil {
						t.Errorf("%s: %v", statement, err)
					}
				}
				again(func() error {
					if statement == "insert into drafts" {
						var err error
						d, _, err = r.CreateDraft(t.Context(), draftRequest(t, who, "key", `{}`))
						return err
					}
					return nil
				})
				again(func() error {
					next, err := r.change(t, who, d, wholeBody)
					if err == nil {
						d = next
					}
					return err
				})
				if d.Version != 2 || ask[int](t, direct, `select count(*) from drafts`) != 1 {
					t.Errorf("at version %d", d.Version)
				}
				if statement == "update drafts set frozen_at" {
					again(func() error { _, err := r.IssueDraft(t.Context(), who, d.ID); return err })
					if n := ask[int](t, direct, `select count(*) from documents`); n != 1 {
						t.Errorf("%d documents, want 1", n)
					}
					return
				}
				again(func() error { return r.DeleteDraft(t.Context(), who.Tenant, d.ID, d.Version) })
				if n := ask[int](t, direct, `select count(*) from drafts`); n != 0 {
					t.Errorf("%d drafts, want none", n)
				}
			})
		})
	}
}

// The answer to the invoice of a draft is lost for good: the same call tells.
func TestAfterAnUnknownOutcomeTheSameIssueOfADraftTells(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	r := newReplicaWith(t, db, store, WriterConfig{Bound: 200 * time.Millisecond})
	other := newReplica(t, direct, store)
	d := other.mustDraft(t, draftRequest(t, who, "", wholeBody))
	p.onCut(p.refuse)
	p.arm("insert into documents", afterRST)
	if _, err := r.IssueDraft(t.Context(), who, d.ID); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatalf("got %v, want ErrOutcomeUnknown", err)
	}
	if _, err := other.change(t, who, d, `{}`); !errors.Is(err, ErrDraftIssued) {
		t.Errorf("changed after it was frozen: %v", err)
	}
	if got, err := other.IssueDraft(t.Context(), who, d.ID); err != nil || !got.Replayed || got.Invoice.Number != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
