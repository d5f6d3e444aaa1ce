package invoices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"folio/counter"
	"folio/invoices/accounts"
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

// Run sweeps until ctx ends, if no other replica does. It is run once.
func (w *Sweeper) Run(ctx context.Context) {
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	duty := &Duty{DB: w.DB, Name: "sweep", Every: orDefault(w.Every, 5*time.Second), Log: w.Log, Do: func(ctx context.Context) error {
		err := w.Sweep(ctx)
		if errors.Is(err, ErrUnavailable) {
			return nil // others tell of that
		}
		return err
	}}
	duty.Run(ctx)
}

// Sweep sweeps the present era, if it is not swept. What is left for later, as a
// block of an earlier era is not settled, is no error. Several at once do the same.
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
	return w.sweep(ctx, now.Era, skipReason(now.Was, now.Era))
}

// sweep looks at every ledger.
func (w *Sweeper) sweep(ctx context.Context, era, reason string) error {
	if w.era != era {
		w.era, w.done, w.refused = era, make(map[counter.Series]bool), 0
	}
	all, err := listLedgers(ctx, w.Ledgers)
	if err != nil {
		return err
	}
	later := 0
	for _, s := range all {
		if w.done[s] {
			continue
		}
		done, err := w.sweepSeries(ctx, era, reason, s)
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
func (w *Sweeper) sweepSeries(ctx context.Context, era, reason string, s counter.Series) (done bool, err error) {
	led, damaged, err := loadLedger(ctx, w.Ledgers, s)
	if damaged {
		return false, fmt.Errorf("%w: %w", errNotSwept, err)
	}
	if err != nil || led.Range().Len() == 0 {
		return err == nil, err
	}
	highest, err := readFloor(ctx, w.DB.audits, s)
	if err != nil {
		return false, err
	}
	if highest > led.Mark {
		return false, fmt.Errorf("%w: the ledger ends at %d, and there is a document %d: etcd has gone back; folio ledger rebuild raises it", errNotSwept, led.Mark, highest)
	}
	lost, err := withoutRow(ctx, w.DB.audits, era, s, accounts.Without([]counter.Range{led.Range()}, kept(led)))
	if err != nil {
		return false, err
	}
	if n := accounts.Total(lost); n > sweepMost {
		return false, fmt.Errorf("%w: %d numbers have no document, more than %d; look at folio audit, then say folio restored", errNotSwept, n, sweepMost)
	}
	if err := (&Owner{DB: w.DB}).void(ctx, voids{Series: s, Ranges: lost, Reason: reason, Era: era}); err != nil {
		return false, err
	}
	if len(lost) > 0 {
		w.Log.Warn("numbers are void whose documents a failover lost", "series", s.String(), "numbers", accounts.Total(lost), "ranges", accounts.Text(lost))
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
	return accounts.Merged(all)
}
