package invoices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Sweeper makes void what a failover of Postgres has lost: numbers that have left
// the ledger because a document had them, and whose document is gone. It does so
// once in each era, as often as it takes. DB and Ledgers are required.
type Sweeper struct {
	DB      *DB
	Ledgers Ledgers
	Every   time.Duration // how often it looks whether there is something to do; 0: five seconds
	Log     *slog.Logger  // nil: none

	era     string                  // what follows is about it
	done    map[counter.Series]bool // nothing is left to do in these, or nothing that a sweep may do
	refused int                     // how many are of the latter
}

// sweepMost is the most numbers that a sweep makes void in one series: more is no
// failover, and somebody should look.
const sweepMost = 1_000_000

// insertSweep says that an era is swept, unless it is not the present one.
const insertSweep = `insert into sweeps (era) select $1 where current_era() = $1 on conflict do nothing`

// Run sweeps until ctx ends. It is run once.
func (w *Sweeper) Run(ctx context.Context) error {
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	tick := time.NewTicker(orDefault(w.Every, 5*time.Second))
	defer tick.Stop()
	for failed := 0; ; {
		err := w.Sweep(ctx)
		if failed++; err == nil {
			failed = 0
		}
		if failed == 1 && ctx.Err() == nil && !errors.Is(err, ErrUnavailable) {
			w.Log.Warn("the numbers that a failover lost are not all void yet, tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Sweep sweeps the present era, if it is not swept and nobody else does it. What is
// left for later, as a block of an earlier era is not settled, is no error.
func (w *Sweeper) Sweep(ctx context.Context) error {
	var now struct {
		Era   string `db:"era"`
		Swept bool   `db:"swept"`
		Was   string `db:"was"`
	}
	const look = `
		select current_era() as era, exists (select from sweeps where era = current_era()) as swept,
		       coalesce((select era from sweeps order by swept_at desc limit 1), '') as was`
	if err := w.DB.settling.GetContext(ctx, &now, look); err != nil {
		return wrap("look whether the era is swept", err)
	}
	if now.Swept {
		return nil
	}
	return w.DB.elected(ctx, electionSweep, func(conn *sqlx.Conn) error {
		return w.sweep(ctx, conn, now.Era, skipReason(now.Was, now.Era))
	})
}

// sweep looks at every ledger, over conn.
func (w *Sweeper) sweep(ctx context.Context, conn *sqlx.Conn, era, reason string) error {
	if w.era != era {
		w.era, w.done, w.refused = era, make(map[counter.Series]bool), 0
	}
	listing, cancel := context.WithTimeout(ctx, 6*storeTimeout)
	defer cancel()
	all, err := w.Ledgers.List(listing, "", "")
	if err != nil {
		return fmt.Errorf("list the ledgers: %w", err)
	}
	later := 0
	for _, s := range all {
		if w.done[s] {
			continue
		}
		done, err := w.sweepSeries(ctx, conn, era, reason, s)
		switch {
		case errors.Is(err, errNotSwept):
			w.Log.Error("numbers are left unaccounted for", "series", s.String(), "error", err)
			w.refused, done = w.refused+1, true // again by another process, or in the next era
		case err != nil:
			return err
		case !done:
			later++
		}
		w.done[s] = done
	}
	if later+w.refused > 0 {
		return nil
	}
	if _, err := w.DB.settling.ExecContext(ctx, insertSweep, era); err != nil {
		return wrap("note that era "+era+" is swept", err)
	}
	w.Log.Info("swept", "era", era, "series", len(all))
	return nil
}

// errNotSwept: a series is not what a sweep may make void.
var errNotSwept = errors.New("not swept")

// sweepSeries makes void what lies up to the mark of s and is neither a document,
// nor held, nor free. The ledger is read first: a number leaves it only when its row
// is there, so what has none now has lost it. While the ledger holds a block of
// another era it has to be read again later: that one may leave with numbers whose
// rows are lost. A ledger that lies below the highest document has gone back itself,
// and is raised when the series is used.
func (w *Sweeper) sweepSeries(ctx context.Context, conn *sqlx.Conn, era, reason string, s counter.Series) (done bool, err error) {
	led, damaged, err := loadLedger(ctx, w.Ledgers, s)
	if damaged {
		return false, fmt.Errorf("%w: %w", errNotSwept, err)
	}
	if err != nil || led.Range().Len() == 0 {
		return err == nil, err
	}
	highest, err := readFloor(ctx, conn, s)
	if err != nil {
		return false, err
	}
	if highest > led.Mark {
		return false, fmt.Errorf("%w: the ledger ends at %d, and there is a document %d: etcd has gone back; folio ledger rebuild raises it", errNotSwept, led.Mark, highest)
	}
	lost, err := withoutRow(ctx, conn, era, s, without([]counter.Range{led.Range()}, kept(led)))
	if err != nil {
		return false, err
	}
	if n := total(lost); n > sweepMost {
		return false, fmt.Errorf("%w: %d numbers have no document, more than %d; look at folio audit, then say folio restored", errNotSwept, n, sweepMost)
	}
	if err := (&Owner{DB: w.DB}).void(ctx, voids{Series: s, Ranges: lost, Reason: reason, Era: era}); err != nil {
		return false, err
	}
	if len(lost) > 0 {
		w.Log.Warn("numbers are void whose documents a failover lost", "series", s.String(), "numbers", total(lost), "ranges", rangesText(lost))
	}
	for _, b := range led.Held {
		if b.Era != era {
			return false, nil
		}
	}
	return true, nil
}

// kept are the numbers that a ledger holds, or will give.
func kept(l counter.Ledger) []counter.Range {
	var all []counter.Range
	for _, b := range l.Held {
		all = append(all, b.Range)
	}
	for _, f := range l.Free {
		all = append(all, f.Range)
	}
	return merged(all)
}
