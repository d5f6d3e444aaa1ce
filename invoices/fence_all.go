package invoices

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// FenceAll fences every holder, and returns how many were not. It waits for every
// batch in flight and keeps new ones out meanwhile, as RaiseEpoch does, but no era
// begins: when it returns, all that was written under the names of the time before
// is there to be read, and nothing more will be. Each replica goes on under another
// name; what it held is settled by its rows. Executed twice it fences those that
// came in between.
func (db *DB) FenceAll(ctx context.Context) (fenced int64, err error) {
	err = db.inTx(ctx, "fence every holder", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `lock table holders in exclusive mode`); err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `update holders set fenced_at = clock_timestamp() where fenced_at is null`))
		fenced = int64(n)
		return err
	})
	return fenced, err
}
