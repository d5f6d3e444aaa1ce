package invoices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/lib/pq"
)

// Sweeper makes void what a failover of Postgres has lost: numbers that have left
// the ledger because a document had them, and whose document is gone. It does so
// once in each era, as often as it takes. DB and Ledgers are required.
type Sweeper struct {
	DB      *DB
	Ledgers Ledgers
	Holder  func() string // the present holder of who sweeps, for the books; nil: it is not told
	Every   time.Duration // how often it looks whether there is something to do; 0: five seconds
	Log     *slog.Logger  // nil: none

	era  string                    // what follows is about it
	done map[counter.Series]bool   // nothing is left to do in these
	told map[counter.Series]string // what is wrong with those that a sweep may not touch, as it was logged
	late string                    // who is registered and of another era, as it was logged
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
		       coalesce((select era from sweeps
		       order by cast(split_part(era, '.', 1) as bigint) desc, split_part(era, '.', 2) desc limit 1), '') as was`
	if err := w.DB.settling.GetContext(ctx, &now, look); err != nil {
		return wrap("look whether the era is swept", err)
	}
	if now.Swept {
		return nil
	}
	return w.sweep(ctx, now.Era, skipReason(now.Was, now.Era))
}

// Swept reports whether what the present era may have lost is accounted for.
func (db *DB) Swept(ctx context.Context) (swept bool, err error) {
	err = db.settling.GetContext(ctx, &swept, `select exists (select from sweeps where era = current_era())`)
	return swept, wrap("look whether the era is swept", err)
}

// sweep looks at every ledger, once all who could take numbers out of one know of the
// era. A series that it may not touch is looked at again each time: somebody repairs it.
func (w *Sweeper) sweep(ctx context.Context, era, reason string) error {
	if w.era != era {
		w.era, w.done, w.told, w.late = era, make(map[counter.Series]bool), make(map[counter.Series]string), ""
	}
	if there, err := w.allThere(ctx, era); !there || err != nil {
		return err
	}
	all, err := blockLedgers(ctx, w.DB, w.Ledgers)
	if err != nil {
		return err
	}
	left := false
	for _, s := range all {
		if w.done[s] {
			continue
		}
		done, err := w.sweepSeries(ctx, era, reason, s)
		if err != nil && !errors.Is(err, errNotSwept) {
			return err
		}
		w.tell(s, err)
		w.done[s], left = done, left || !done
	}
	if left {
		return nil
	}
	if there, err := w.allThere(ctx, era); !there || err != nil {
		w.done = make(map[counter.Series]bool)
		return err
	}
	if _, err := w.DB.settling.ExecContext(ctx, insertSweep, era); err != nil {
		return wrap("note that era "+era+" is swept", err)
	}
	w.Log.Info("swept", "era", era, "series", len(all))
	w.era, w.done, w.told = "", nil, nil // there may be a hundred thousand series, and the era is done
	return nil
}

// tell logs why a series is not swept, once.
func (w *Sweeper) tell(s counter.Series, err error) {
	switch {
	case err == nil:
		delete(w.told, s)
	case w.told[s] != err.Error():
		w.told[s] = err.Error()
		w.Log.Error("numbers may be left unaccounted for", "series", s.String(), "error", err)
	}
}

// allThere reports whether all who are registered are of the era. One of an earlier era
// that has not heard of it may still write to an old primary, and then let numbers go
// that have no row here: it gives up when it hears, and its registration ends.
func (w *Sweeper) allThere(ctx context.Context, era string) (bool, error) {
	names, err := registered(ctx, w.Ledgers)
	if err != nil {
		return false, err
	}
	var late string
	const query = `
		select coalesce(string_agg(n, ' ' order by n), '') from unnest(cast($1 as text[])) as n
		where not exists (select from holders h where h.holder = n and h.era = $2)`
	if err := w.DB.settling.GetContext(ctx, &late, query, pq.Array(names), era); err != nil {
		return false, wrap("look whether all are of era "+era, err)
	}
	if late != "" && late != w.late {
		w.Log.Warn("a sweep waits until these know of the era, or are gone", "era", era, "holders", late)
	}
	w.late = late
	return late == "", nil
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
	v := voids{
		Series: s, Ranges: lost, Reason: reason, Era: era, Who: (&Owner{Holder: w.Holder}).holder(),
		Note: "It had left the ledger, as a number does that has a document, and in era " + era + " of Postgres there is none.",
	}
	if err := (&Owner{DB: w.DB}).void(ctx, v); err != nil {
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
