package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

type ledgerRebuildCmd struct {
	database
	etcd
	Series   string        `arg:"" optional:"" help:"tenant, tenant/series or tenant/series/period; all if not given."`
	DryRun   bool          `help:"Say what would be done, and do nothing." env:"FOLIO_REBUILD_DRY_RUN"`
	Save     string        `help:"File that damaged values are appended to before they are removed; they are printed in any case." env:"FOLIO_REBUILD_SAVE" placeholder:"FILE"`
	Patience time.Duration `help:"How long to go on trying while etcd or Postgres does not answer." env:"FOLIO_REBUILD_PATIENCE" default:"1m"`
}

// rebuiltAtOnce is how many series are brought up to date side by side.
const rebuiltAtOnce = 8

// Run brings the ledger of every selected block series to cover all rows. First every
// holder is fenced: what it has in memory, and the ledger has forgotten, is never
// written after that, so the rows that are read then are all there are.
func (c *ledgerRebuildCmd) Run(cmd command) error {
	filter, err := selection(c.Series)
	if err != nil {
		return err
	}
	return c.withWitness(cmd, c.database, &invoices.Witness{}, func(db *invoices.DB, _ *etcdstore.Store) error {
		if err := db.Check(cmd.ctx); err != nil {
			return err
		}
		if c.DryRun {
			return c.foretell(cmd, db, filter)
		}
		fenced, err := c.fence(cmd.ctx, db)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.stdout, "%s fenced; replicas go on under new names\n", plural(fenced, "holder is", "holders are"))
		return c.withAllocator(cmd, db, "rebuild", func(a *counter.Allocator, store *etcdstore.Store) error {
			r := &rebuild{cmd: cmd, db: db, store: store, allocator: a, save: c.Save, patience: c.Patience}
			return r.run(filter)
		})
	})
}

// fence fences every holder. Where Postgres is busy it may have to wait for its turn.
func (c *ledgerRebuildCmd) fence(ctx context.Context, db *invoices.DB) (fenced int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	err = untilAnswered(ctx, func() (err error) {
		fenced, err = db.FenceAll(ctx)
		return err
	})
	return fenced, err
}

// untilAnswered goes on trying while the stores do not answer, until ctx ends.
func untilAnswered(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || !errors.Is(err, counter.ErrUnavailable) && !retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryAfter):
		}
	}
}

// retryAfter is how long a rebuild waits before it tries again.
const retryAfter = 200 * time.Millisecond

// foretell says what a rebuild would find.
func (c *ledgerRebuildCmd) foretell(cmd command, db *invoices.DB, filter counter.Selection) error {
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := surveyLedgers(cmd.ctx, db, store, filter)
	if err != nil {
		return err
	}
	for _, f := range found.wanting {
		fmt.Fprintf(cmd.stdout, "%s: %s\n", f.Series, f.trouble())
	}
	fmt.Fprintf(cmd.stdout, "%s, %d would be brought to cover all documents; nothing was done\n", plural(int64(found.all), "series", "series"), len(found.wanting))
	return nil
}

// rebuild is one run of the command, behind the fence.
type rebuild struct {
	cmd       command
	db        *invoices.DB
	store     *etcdstore.Store
	allocator *counter.Allocator
	save      string
	patience  time.Duration

	mu      sync.Mutex // guards what follows, and what is printed
	done    int
	refused []error // of series that need a person
}

func (r *rebuild) run(filter counter.Selection) error {
	found, err := surveyLedgers(r.cmd.ctx, r.db, r.store, filter)
	if err != nil {
		return err
	}
	shown := newProgress(r.cmd.stderr)
	defer shown.end()
	workers, ctx := errgroup.WithContext(r.cmd.ctx)
	workers.SetLimit(rebuiltAtOnce)
	for _, f := range found.wanting {
		workers.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := r.series(ctx, f)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.done++; len(found.wanting) > 100 {
				shown.show(invoices.ImportProgress{Doing: "bring ledgers up to date", Bytes: int64(r.done), Size: int64(len(found.wanting))})
			}
			return r.judge(ctx, err)
		})
	}
	if err := workers.Wait(); err != nil {
		return fmt.Errorf("%w; what was done so far stays done, run it again", err)
	}
	fmt.Fprintf(r.cmd.stdout, "%s: %d needed nothing, %d brought to cover all documents\n",
		plural(int64(found.all), "series", "series"), found.all-len(found.wanting), len(found.wanting)-len(r.refused))
	return errors.Join(r.refused...)
}

// judge returns an error that would come again with every other series, and keeps one
// that belongs to its series alone.
func (r *rebuild) judge(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, counter.ErrUnavailable) || retryable(err) {
		return err
	}
	r.refused = append(r.refused, err)
	return nil
}

// series brings one ledger to cover all rows, and says what it did.
func (r *rebuild) series(ctx context.Context, f wanting) error {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	var raised counter.Raised
	err := untilAnswered(ctx, func() (err error) {
		if f.damage != nil {
			err = r.remove(ctx, f.Series)
		}
		if err == nil {
			raised, err = r.allocator.Raise(ctx, f.Series)
		}
		return err
	})
	if err != nil {
		return err
	}
	skipped := counter.Range{First: raised.From + 1, Last: raised.To}
	void, err := r.db.CountVoids(ctx, f.Series, skipped, "restore")
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.cmd.stdout, "%s: %s; mark %d -> %d, %s void (restore)\n",
		f.Series, f.trouble(), raised.From, raised.To, plural(void, "number is", "numbers are"))
	return nil
}
