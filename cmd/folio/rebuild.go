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
	DryRun   bool          `help:"Say what would be done, and do nothing." env:"FOLIO_DRY_RUN"`
	Save     string        `help:"File that damaged values are appended to before they are removed; they are printed in any case." env:"FOLIO_SAVE" placeholder:"FILE"`
	Patience time.Duration `help:"How long to go on trying while etcd or Postgres does not answer." env:"FOLIO_REBUILD_PATIENCE" default:"1m"`
}

// rebuiltAtOnce is how many series are brought up to date side by side.
const rebuiltAtOnce = 8

// Run brings the ledger of every selected block series to cover all rows. First every
// holder is fenced: what it has in memory, and the ledger has forgotten, is never
// written after that, so the rows that are read then are all there are.
func (c *ledgerRebuildCmd) Run(cmd command) error {
	filter, err := auditFilter(c.Series)
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
		fenced, err := db.FenceAll(cmd.ctx)
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

// foretell says what a rebuild would find.
func (c *ledgerRebuildCmd) foretell(cmd command, db *invoices.DB, filter invoices.AuditFilter) error {
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

func (r *rebuild) run(filter invoices.AuditFilter) error {
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
			if errors.Is(err, counter.ErrUnavailable) || ctx.Err() != nil {
				return err // for the others it would be the same
			}
			if err != nil {
				r.refused = append(r.refused, err)
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return fmt.Errorf("%w; what was done so far stays done, run it again", err)
	}
	fmt.Fprintf(r.cmd.stdout, "%s: %d needed nothing, %d brought to cover all documents\n",
		plural(int64(found.all), "series", "series"), found.all-len(found.wanting), len(found.wanting)-len(r.refused))
	return errors.Join(r.refused...)
}

// series brings one ledger to cover all rows, and says what it did.
func (r *rebuild) series(ctx context.Context, f wanting) error {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	raised, err := r.attempts(ctx, f)
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

// attempts goes on while the stores do not answer, and when the tool's own life ended.
func (r *rebuild) attempts(ctx context.Context, f wanting) (raised counter.Raised, err error) {
	for {
		if f.damage != nil {
			err = r.remove(ctx, f.Series)
		}
		if err == nil {
			raised, err = r.allocator.Raise(ctx, f.Series)
		}
		if err == nil || !errors.Is(err, counter.ErrUnavailable) {
			return raised, err
		}
		select {
		case <-ctx.Done():
			return raised, err
		case <-time.After(retryAfter):
		}
	}
}

// retryAfter is how long a rebuild waits before it tries a series again.
const retryAfter = 200 * time.Millisecond
