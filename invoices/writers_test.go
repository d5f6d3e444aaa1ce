package invoices

import (
	"fmt"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"golang.org/x/sync/errgroup"
)

// Batches are held up in Postgres while requests come.
func TestOtherBatchesAreWrittenBesideOneOnlyWhenMoreWaitsThanABatchTakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		requests, beside int
	}{
		{"few", batchMax / 2, 1},
		{"many", 3 * batchMax, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			who := newTenant(t, db, "acme")
			r := newReplicaWith(t, db, store, WriterConfig{Writers: 2})
			r.mustIssue(t, request(who, "", "before"))
			held := holdUpWrites(t, db)
			var issuing errgroup.Group
			for i := range c.requests {
				issuing.Go(func() error {
					_, err := r.Issue(t.Context(), request(who, "", fmt.Sprint(i)))
					return err
				})
			}
			eventually(t, "all have come and the batches wait", func() bool {
				return taken(r) == c.requests+1 && waitingForLock(t, db) >= c.beside
			})
			if n := waitingForLock(t, db); n > c.beside {
				t.Errorf("%d batches are written side by side, want %d", n, c.beside)
			}
			if err := held.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := issuing.Wait(); err != nil {
				t.Fatal(err)
			}
			r.stop()
			mustBeClean(t, db, store)
		})
	}
}

// taken is how many numbers a lone replica took of its series.
func taken(r *replica) (n int) {
	r.numbers.EachSeries(func(s counter.SeriesStats) bool {
		n += int(s.Mark - s.Left)
		return true
	})
	return n
}
