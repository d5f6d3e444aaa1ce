package invoices

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// crowd writes batches of a holder side by side and without a pause, one more begun
// before another ends, until stop is called: the holder's row is never without a share.
func crowd(t testing.TB, db *DB, holder string) (stop func()) {
	t.Helper()
	const writers, lasts = 3, 100 * time.Millisecond // of a batch, as with a standby far away
	ctx, cancel := context.WithCancel(t.Context())
	var writing errgroup.Group
	for w := range writers {
		writing.Go(func() error {
			time.Sleep(lasts / writers * time.Duration(w))
			for n := int64(w); ctx.Err() == nil; n += writers {
				tx, err := db.batches.BeginTxx(t.Context(), nil)
				if err != nil {
					return err
				}
				if _, err := tx.ExecContext(t.Context(), insertAlone, aloneArgs(holder, testSeries, n+1)...); err != nil {
					return err
				}
				time.Sleep(lasts)
				if err := tx.Commit(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return func() {
		cancel()
		if err := writing.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestAFenceGetsItsTurnAmongBatchesThatNeverPause(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	b := heldBlock(t, db, "h", 1, 1_000_000)
	stop := crowd(t, db, "h")
	defer stop()
	eventually(t, "they write", func() bool { return ask[int](t, db, `select count(*) from documents`) > 20 })
	begun := time.Now()
	if err := (&Owner{DB: db}).fence(t.Context(), b); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("the fence took %v", took)
	}
	after := ask[int](t, db, `select count(*) from documents`)
	stop()
	if n := ask[int](t, db, `select count(*) from documents`); n != after {
		t.Errorf("%d documents were stored after the fence", n-after)
	}
}
