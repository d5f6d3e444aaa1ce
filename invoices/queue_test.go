package invoices

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter/countertest"

	"golang.org/x/sync/errgroup"
)

// Postgres stalls: one batch waits for it, and the queue behind that is full. What comes
// then is refused at once, as a 503 with Retry-After.
func TestWhatFindsTheQueueFullIsRefusedAtOnceAndNeverWritten(t *testing.T) {
	t.Parallel()
	for _, numbering := range []string{"blocks", numberingStrict} {
		t.Run(numbering, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			wish := request
			if numbering == numberingStrict {
				s := strictSeriesFor(t, db, who, "gapless")
				wish = func(who Identity, id, note string) Request { return strictRequest(who, s.Name, id, note) }
			}
			r := newReplicaWith(t, db, store, WriterConfig{Queue: 1})
			r.mustIssue(t, wish(who, "before", "n"))
			held := holdUpWrites(t, db)
			var accepted errgroup.Group
			accept := func(id string) {
				accepted.Go(func() error {
					_, err := r.Issue(context.WithoutCancel(t.Context()), wish(who, id, "n"))
					return err
				})
			}
			accept("first")
			eventually(t, "a batch waits for Postgres", func() bool { return waitingForLock(t, db) == 1 })
			accept("second")
			eventually(t, "the queue is full", func() bool { return r.Writer.Stats().Queued == 1 })

			const others = 20
			refused := time.Now()
			for i := range others {
				if got, err := r.Issue(t.Context(), wish(who, fmt.Sprint("other ", i), "n")); !errors.Is(err, ErrUnavailable) {
					t.Errorf("request %d: %+v, %v; want ErrUnavailable", i, got, err)
				}
			}
			if took := time.Since(refused); took > 5*time.Second {
				t.Errorf("refusing %d took %v: they waited for Postgres", others, took)
			}
			if n := r.Writer.Stats().Queued; n != 1 {
				t.Errorf("%d rows wait, and there is room for one", n)
			}

			if err := held.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := accepted.Wait(); err != nil {
				t.Errorf("of those that were accepted: %v", err)
			}
			if got := ask[string](t, db, `select string_agg(request_id, ' ' order by request_id) from documents`); got != "c:before c:first c:second" {
				t.Errorf("written are %s", got)
			}
			if got := r.mustIssue(t, wish(who, "other 0", "n")); got.Replayed {
				t.Error("what was refused was written after all")
			}
			r.stop()
			for _, a := range mustBeClean(t, db, store) {
				if a.Issued.Count != 4 || a.Void.Count != 0 || a.Held.Count != 0 {
					t.Errorf("%+v, want four issued, and nothing void or held", a)
				}
			}
		})
	}
}

// Whoever leaves gives back the room of the body, and so must its row what it has of it.
func TestARowOfWhoHasLeftKeepsNoContentInTheQueue(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplicaWith(t, db, store, WriterConfig{Queue: 100})
	r.mustIssue(t, request(who, "before", "n"))
	held := holdUpWrites(t, db)
	submit := func(ctx context.Context, id string) *entry {
		t.Helper()
		p, err := r.prepare(t.Context(), request(who, id, "n"))
		if err != nil {
			t.Fatal(err)
		}
		if p.Number, err = r.takeOne(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		p.RequestID, p.Printed = requestID(id), p.print(p.Number)
		e, err := r.Writer.submit(ctx, &p.row)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := submit(t.Context(), "first")
	eventually(t, "a batch waits for Postgres", func() bool { return waitingForLock(t, db) == 1 })
	leaving, leave := context.WithCancel(t.Context())
	left, stayed := submit(leaving, "left"), submit(t.Context(), "stayed")
	leave()
	if _, err := r.Writer.await(leaving, left); !errors.Is(err, ErrUnavailable) {
		t.Errorf("who leaves is told %v, want ErrUnavailable", err)
	}
	if n := r.Writer.Stats().Queued; n != 2 {
		t.Errorf("%d rows lie in the queue, want the one that was left among two", n)
	}
	if left.content != "" || left.Draft.Note != "" || len(left.Draft.Lines) > 0 || stayed.content == "" {
		t.Errorf("the row that was left says %q, the other %q", left.content, stayed.content)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*entry{first, stayed} {
		if _, err := r.Writer.await(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	if got := ask[string](t, db, `select string_agg(request_id, ' ' order by request_id) from documents`); got != "c:before c:first c:stayed" {
		t.Errorf("written are %s", got)
	}
	r.stop()
	mustBeClean(t, db, store)
}
