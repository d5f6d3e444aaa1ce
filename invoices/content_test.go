package invoices

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"folio/counter/countertest"
	"folio/invoices/document"

	"golang.org/x/sync/errgroup"
)

// Several write contents with the same pens: each gets its own, and keeps it.
func TestContentsAreTheirCallersOwn(t *testing.T) {
	t.Parallel()
	var c contents
	var writing sync.WaitGroup
	for i := range 16 {
		writing.Go(func() {
			var got, want []string
			for k := range 50 {
				r := &row{Draft: request(Identity{}, "", strings.Repeat(fmt.Sprintf("<%d of %d> ", k, i), k+1)).Draft}
				if k%2 == 0 { // of the one before nothing shows
					r.Seller, r.Draft.Metadata = document.Party{Name: "Seller"}, map[string]string{"a": "b"}
				}
				text, err := c.of(r)
				if err != nil {
					t.Error(err)
				}
				var alone bytes.Buffer
				enc := json.NewEncoder(&alone)
				enc.SetEscapeHTML(false)
				if err := enc.Encode(content{Draft: r.Draft, Seller: named(r.Seller), Totals: r.Totals}); err != nil {
					t.Error(err)
				}
				got, want = append(got, text), append(want, alone.String())
			}
			for k := range got {
				if got[k] != want[k] {
					t.Errorf("content %d of %d is %s, want %s", k, i, got[k], want[k])
				}
			}
		})
	}
	writing.Wait()
}

// Its client leaves while the row is with the writer, and many others come and go before
// it is stored.
func TestARowWhoseClientHasLeftIsStoredAsItWasAsked(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplicaWith(t, db, store, WriterConfig{Writers: 1})
	r.mustIssue(t, request(who, "", "before"))
	held := holdUpWrites(t, db)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := r.Issue(ctx, request(who, "", "of the client that leaves"))
		left <- err
	}()
	eventually(t, "its batch waits", func() bool { return waitingForLock(t, db) == 1 })
	leave()
	if err := <-left; !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatalf("got %v, want ErrOutcomeUnknown", err)
	}
	const others = 200
	var issuing errgroup.Group
	for i := range others {
		issuing.Go(func() error {
			_, err := r.Issue(t.Context(), request(who, "", fmt.Sprint("other ", i)))
			return err
		})
	}
	eventually(t, "the others wait behind it", func() bool { return taken(r) == others+2 })
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := issuing.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{"of the client that leaves", "other 0", fmt.Sprint("other ", others-1)} {
		if n := ask[int](t, db, `select count(*) from documents where content->>'note' = $1`, note); n != 1 {
			t.Errorf("%d documents say %q", n, note)
		}
	}
	if n := ask[int](t, db, `select count(distinct content->>'note') from documents`); n != others+2 {
		t.Errorf("%d contents, want %d", n, others+2)
	}
}
