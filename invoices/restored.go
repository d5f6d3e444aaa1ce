package invoices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
	"golang.org/x/sync/errgroup"
)

// Restored is the announcement that Postgres was restored to an earlier state, or
// etcd and Postgres both: no number that was given in what was lost is ever given
// again. DB and its Witness, which is Announcing, are required. Announce comes
// first, then Account, then db.Resume; when it is killed at any moment all of it is
// done again.
type Restored struct {
	DB      *DB
	Ledgers Ledgers
	Counter Seeker // not used by Announce

	// Skip is how many numbers above the highest that is known of each series may
	// have been given: the ledgers went back, too.
	Skip int64
	// Above is the highest number of a series that may have been given, as a witness
	// outside knows it; then Skip is not for that series.
	Above map[counter.Series]int64
	// Patience is how long replicas may take to hand back what they hold of a series;
	// 0: one minute.
	Patience time.Duration
	// GiveUp is the timeline that is given up for an earlier one; 0: none.
	GiveUp uint64

	// Progress is told of each series as it is done, one at a time; nil: nobody is.
	Progress func(done, of int, a Recovered)

	since string // a transaction before the announcement
}

// Recovered is what an announcement did to one series.
type Recovered struct {
	Series counter.Series
	Mark   int64           // numbers go on above it
	Void   []counter.Range // what became void, ascending
	Err    error           // why it is not done: ErrLedgerDamaged, or something that passes
}

// Announcement is the new era, and what was known when it began.
type Announcement struct {
	Era string
	Was string // how far Postgres had come, as it was noted; "" if nothing was
	Now string // how far it has come after the restore
}

// Announce begins a new era, and notes it. A Postgres on a timeline that was left
// is taken for an old primary, unless that is given up: an error says how.
func (r *Restored) Announce(ctx context.Context) (Announcement, error) {
	w := r.DB.witness
	if err := r.DB.checkSettings(ctx); err != nil {
		return Announcement{}, err
	}
	for s := range r.Above {
		if err := r.mayName(ctx, s); err != nil {
			return Announcement{}, err
		}
	}
	_, noted, err := w.load(ctx)
	if err != nil {
		return Announcement{}, err
	}
	now, err := r.DB.standing(ctx)
	if err != nil {
		return Announcement{}, err
	}
	if now.system == noted.system && now.timeline < noted.timeline && r.GiveUp != noted.timeline {
		return Announcement{}, fmt.Errorf("this Postgres is on timeline %d, and timeline %d of it was written to: is it an old primary? If it is what you restored, and timeline %d is gone for ever, say --give-up-timeline %d",
			now.timeline, noted.timeline, noted.timeline, noted.timeline)
	}
	if err := r.DB.rest.GetContext(ctx, &r.since, `select cast(cast(pg_current_xact_id() as xid) as text)`); err != nil {
		return Announcement{}, wrap("ask Postgres for its present transaction", err)
	}
	a := Announcement{Now: now.String()}
	if noted != (standing{}) {
		a.Was = noted.String()
	}
	if a.Era, err = r.DB.RaiseEpoch(ctx, noted.epoch); err != nil {
		return Announcement{}, err
	}
	return a, w.Raise(ctx, r.DB)
}

// standing is how far Postgres has come, whatever was seen of it.
func (db *DB) standing(ctx context.Context) (standing, error) {
	var text string
	if err := db.rest.GetContext(ctx, &text, selectStanding); err != nil {
		return standing{}, wrap("ask Postgres how far it has come", err)
	}
	s, _, err := parseStanding(text)
	return s, err
}

// accountAtOnce bounds how many series are looked at side by side.
const accountAtOnce = 8

// Account makes void, in every series, whatever number up to its mark has no
// document, in an era that was announced: its block, its free range, or the row that
// was lost with it. Numbers go on above. failed are the series that are not done.
func (r *Restored) Account(ctx context.Context, era string) (failed []Recovered, err error) {
	all, err := r.series(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	done := 0
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(accountAtOnce)
	for _, s := range all {
		work.Go(func() error {
			if err := workCtx.Err(); err != nil {
				return err
			}
			a := r.account(workCtx, era, s)
			mu.Lock()
			defer mu.Unlock()
			if done++; a.Err != nil {
				failed = append(failed, a)
			}
			if r.Progress != nil {
				r.Progress(done, len(all), a)
			}
			return nil
		})
	}
	err = work.Wait()
	return failed, errors.Join(err, ctx.Err())
}

// mayName refuses a series of Above of which nobody knows anything, and one whose
// numbers the ledger does not give.
func (r *Restored) mayName(ctx context.Context, s counter.Series) error {
	said, err := findSeries(ctx, r.DB.rest, s.Tenant, s.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		if led, damaged, err := loadLedger(ctx, r.Ledgers, s); damaged || err == nil && led.Mark > 0 {
			return nil // it was made after the backup
		}
		return fmt.Errorf("%s: there is no such series; make it first, or correct its name: %w", s, ErrNotFound)
	case err != nil:
		return err
	}
	rule, err := said.rule()
	if err == nil && !rule.keeps(s, false) {
		return fmt.Errorf("%s is strict, or %q is none of its periods; how strict series go on is said with --strict", s, s.Period)
	}
	return err
}

// series lists what is to be accounted for.
func (r *Restored) series(ctx context.Context) ([]counter.Series, error) {
	all, err := blockSeries(ctx, r.DB, r.Ledgers)
	return sortedSeries(slices.AppendSeq(all, maps.Keys(r.Above))), err
}

func (r *Restored) account(ctx context.Context, era string, s counter.Series) Recovered {
	a := Recovered{Series: s}
	a.Err = func() error {
		led, _, err := loadLedger(ctx, r.Ledgers, s)
		if err != nil {
			return err
		}
		floor, err := readFloor(ctx, r.DB.settling, s)
		if err != nil {
			return err
		}
		if a.Mark, err = r.goal(ctx, s, max(led.Mark, floor)); err != nil {
			return err
		}
		if err := r.seek(ctx, s, led, a.Mark); err != nil {
			return err
		}
		if led, _, err = loadLedger(ctx, r.Ledgers, s); err != nil {
			return err
		}
		lost, err := withoutRow(ctx, r.DB.settling, era, s, []counter.Range{{First: led.Range().First, Last: a.Mark}})
		if err != nil {
			return err
		}
		if err := (&Owner{DB: r.DB}).void(ctx, voids{Series: s, Ranges: lost, Reason: reasonRestore, Era: era}); err != nil {
			return err
		}
		a.Void, err = r.nowVoid(ctx, s, a.Mark)
		return err
	}()
	return a
}

// goal is the number above which s goes on: at is the highest that is known of it.
func (r *Restored) goal(ctx context.Context, s counter.Series, at int64) (int64, error) {
	rule, err := r.DB.findRule(ctx, s.Tenant, s.Name)
	if err != nil {
		return 0, err
	}
	last := int64(counter.MaxNumber)
	if rule != nil {
		last = rule.last()
	}
	to, known := r.Above[s]
	if !known {
		to = min(at, counter.MaxNumber-r.Skip) + r.Skip
	}
	return max(at, min(to, last)), nil
}

// seek moves s, unless nothing of it can be given up to there.
func (r *Restored) seek(ctx context.Context, s counter.Series, led counter.Ledger, to int64) error {
	if led.Mark >= to && len(led.Held) == 0 && len(led.Free) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, orDefault(r.Patience, time.Minute))
	defer cancel()
	if err := seekFar(ctx, r.Counter, r.Ledgers, s, to, reasonRestore); err != nil {
		return numberError(err)
	}
	return nil
}

// nowVoid are the numbers of s up to last that are void for a restore since this one
// was announced, by whomever: replicas settle blocks meanwhile.
func (r *Restored) nowVoid(ctx context.Context, s counter.Series, last int64) ([]counter.Range, error) {
	const query = `
		select min(number) as first, max(number) as last
		from (select number, number - row_number() over (order by number) as island
		      from documents
		      where tenant = $1 and series = $2 and period = $3 and number between $4 and $5
		        and status = 'void' and reason = $6 and age(xmin) < age(cast($7 as xid))) d
		group by island
		order by 1`
	var found []counter.Range
	for _, part := range accounts.Pieces([]counter.Range{{First: 1, Last: last}}, readAtOnce) {
		var rows []struct {
			First int64 `db:"first"`
			Last  int64 `db:"last"`
		}
		if err := sqlx.SelectContext(ctx, r.DB.settling, &rows, query, s.Tenant, s.Name, s.Period, part.First, part.Last, reasonRestore, r.since); err != nil {
			return nil, wrap("read the voids of "+s.String(), err)
		}
		for _, row := range rows {
			found = append(found, counter.Range{First: row.First, Last: row.Last})
		}
	}
	return accounts.Merged(found), nil
}
