package invoices

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

// era names one history of Postgres, as the SQL function current_era writes it:
// "<epoch>.<timeline>.<system identifier>". A promotion begins a new timeline, an
// announced restore a new epoch. Either may have lost what was acknowledged.
type era struct {
	epoch    uint64
	timeline uint64
	system   uint64
}

// parseEra reads an era strictly: what it accepts, String writes back the same.
func parseEra(text string) (era, error) {
	var e era
	parts := strings.Split(text, ".")
	if len(parts) == 3 {
		var errs [3]error
		e.epoch, errs[0] = strconv.ParseUint(parts[0], 10, 64)
		e.timeline, errs[1] = strconv.ParseUint(parts[1], 16, 32)
		e.system, errs[2] = strconv.ParseUint(parts[2], 10, 64)
		if errs == [3]error{} && e.String() == text {
			return e, nil
		}
	}
	return era{}, fmt.Errorf("era %q, want <epoch>.<timeline>.<system identifier>: %w", text, errStale)
}

func (e era) String() string { return fmt.Sprintf("%d.%08X.%d", e.epoch, e.timeline, e.system) }

// presentEra is what current_era() says, for the statements that issue: a function in
// SQL is planned anew for each statement that calls it, which cost an invoice that is
// alone more than its insert.
const presentEra = `(
	select r.epoch || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.' || c.system_identifier
	from restores r, pg_control_system() c)`

// compare orders two eras: -1 if e is earlier than other. An announced restore
// comes after all that was before it, wherever it went; of one epoch a promotion
// does. Eras of one epoch on different systems have no order; then ordered is
// false.
func (e era) compare(other era) (order int, ordered bool) {
	switch {
	case e.epoch != other.epoch:
		return cmp.Compare(e.epoch, other.epoch), true
	case e.system != other.system:
		return 0, false
	}
	return cmp.Compare(e.timeline, other.timeline), true
}

// Era returns the era that Postgres is in now. It fails on a standby.
func (db *DB) Era(ctx context.Context) (string, error) {
	var text string
	if err := db.settling.GetContext(ctx, &text, `select current_era()`); err != nil {
		return "", wrap("read the era of Postgres", err)
	}
	if _, err := parseEra(text); err != nil {
		return "", err
	}
	return text, nil
}

// RaiseEpoch begins a new era, after Postgres was restored: its epoch is above the
// present one and above the one that is given, which an earlier announcement may
// have had. It waits for every batch in flight and keeps new ones out (a batch
// reads the holder's row, or locks counters of strict series, which the locks
// exclude), and fences all holders: nothing of the era that ends is written after
// it. Nobody enrols until Resume, and strict series are suspended.
func (db *DB) RaiseEpoch(ctx context.Context, above uint64) (string, error) {
	var text string
	err := db.inTx(ctx, "raise the epoch", func(tx *sqlx.Tx) error {
		for _, statement := range []string{
			`lock table holders in exclusive mode`,
			lockStrictCounters,
			`update holders set fenced_at = clock_timestamp() where fenced_at is null`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `update restores set epoch = greatest(epoch, $1) + 1`, int64(above)); err != nil {
			return err
		}
		return tx.GetContext(ctx, &text, `select current_era()`)
	})
	return text, err
}

// Resume says that what was lost before an era is accounted for, so that replicas
// may enrol in it. It fails if the era is not the present one any more: then
// somebody has announced another restore. Nobody says that the era is swept: a
// replica that had not heard of it yet may have let numbers go after its series was
// accounted for, and a sweep finds those.
func (db *DB) Resume(ctx context.Context, era string) error {
	return db.inTx(ctx, "let replicas go on in era "+era, func(tx *sqlx.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `update restores set resumed_epoch = epoch where current_era() = $1`, era))
		if err == nil && n == 0 {
			err = fmt.Errorf("another restore was announced, or Postgres has failed over, meanwhile; run folio restored again: %w", ErrUnavailable)
		}
		return err
	})
}
