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

// compare orders two eras of one system: -1 if e is earlier than other. Eras of
// different systems have no order; then ordered is false.
func (e era) compare(other era) (order int, ordered bool) {
	if e.system != other.system {
		return 0, false
	}
	return cmp.Or(cmp.Compare(e.epoch, other.epoch), cmp.Compare(e.timeline, other.timeline)), true
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

// RaiseEpoch begins a new era, after Postgres or etcd was restored. It waits for
// every batch in flight and keeps new ones out (a batch reads the holder's row,
// or locks counters of strict series, which the locks exclude), and fences all
// holders: nothing of the era that ends is written after it. Strict series are
// suspended by it.
func (db *DB) RaiseEpoch(ctx context.Context) (string, error) {
	var text string
	err := db.inTx(ctx, "raise the epoch", func(tx *sqlx.Tx) error {
		for _, statement := range []string{
			`lock table holders in exclusive mode`,
			lockStrictCounters,
			`update holders set fenced_at = clock_timestamp() where fenced_at is null`,
			`update restores set epoch = epoch + 1`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return tx.GetContext(ctx, &text, `select current_era()`)
	})
	return text, err
}
