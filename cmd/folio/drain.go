package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// drain ends the parts: no new requests, those in flight to their end, what
// they wrote to its end; then, as the writer's end tells the allocator, every
// number left is handed back.
func (r *replica) drain(parts *errgroup.Group, stopWriting func()) error {
	r.draining.Store(true)
	time.Sleep(r.cfg.DrainDelay)
	err := shutDown(r.public, r.cfg.ShutdownTimeout)
	if err != nil {
		r.log.Warn("requests cut off at the end of the shutdown time", "error", err)
	}
	stopWriting()
	defer r.log.Info("stopped")
	return parts.Wait()
}

// shutDown lets requests in flight end, up to a bound; then it cuts them off.
func shutDown(s *http.Server, bound time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	err := s.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.Close())
	}
	return err
}

// checkPostgres waits until Postgres answers and is fit to keep invoices. One
// that is fit to lose them ends the replica.
func (r *replica) checkPostgres(ctx context.Context) error {
	for wait, failed := 100*time.Millisecond, 1; ; wait, failed = min(2*wait, 2*time.Second), failed+1 {
		err := r.db.Check(ctx)
		if err == nil && r.cfg.RequireSyncReplication {
			err = r.db.CheckReplication(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if !retryable(err) {
			return err
		}
		if failed&(failed-1) == 0 { // ever more rarely: it may take an operator
			r.log.Warn("Postgres not ready yet, tried again", "failed", failed, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
