package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// ready tells the balancer whether to send requests here: once started, until
// draining. That etcd or Postgres is away is no reason: it would empty the
// balancer of all replicas together. Nor is it that Postgres is behind: requests
// that read are answered, and the others told what they wait for, by replicas that
// were started since, too. What is this replica's alone is a reason, see alone.
func (r *replica) ready() error {
	switch {
	case r.draining.Load():
		return errors.New("draining")
	case behind(r.witness):
		return nil
	case r.allocator.Stats().Lives == 0:
		return errors.New("starting: no holder registered yet")
	}
	return r.alone.why()
}

// alone finds out whether this replica lacks what the others have: its holder was
// fenced, which only who reaches etcd does, and etcd does not answer it. So it gives no
// number, and cannot become another holder, while others give some.
//
// A holder that is fenced while etcd answers is given up, for the next one: else a
// replica that writes nothing would not learn of a fence that closed all holders, and
// the next silence of etcd would find every replica fenced, and none ready.
//
// It asks by itself, for who asks it must be answered at once. What it cannot find out
// is no reason: then it may be all replicas that lack it.
type alone struct {
	holder  func() string                                          // the latest
	alive   func(context.Context) ([]string, error)                // asks etcd
	fenced  func(ctx context.Context, holder string) (bool, error) // asks Postgres
	abandon func(holder string)                                    // harmless for one that is not the present one
	every   time.Duration
	log     *slog.Logger

	found atomic.Pointer[string] // the holder that was fenced
}

// why is an error as long as this replica is alone.
func (a *alone) why() error {
	if found := a.found.Load(); found != nil && *found == a.holder() {
		return fmt.Errorf("alone: holder %s was fenced by another replica, and etcd, which that one reaches, does not answer this one", *found)
	}
	return nil
}

func (a *alone) watch(ctx context.Context) {
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.look(ctx)
		}
	}
}

// look asks both stores. An answer of Postgres that does not come, while etcd is silent,
// leaves what was found before.
func (a *alone) look(ctx context.Context) {
	holder := a.holder()
	if holder == "" {
		return
	}
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	_, silent := a.alive(asking)
	cancel()
	if silent == nil {
		a.found.Store(nil)
	}
	asking, cancel = context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	is, err := a.fenced(asking, holder)
	switch {
	case !is || err != nil || ctx.Err() != nil:
	case silent == nil:
		a.abandon(holder)
	case a.found.Swap(&holder) == nil:
		a.log.Error("not ready: fenced by another replica, and etcd does not answer this one", "holder", holder, "error", silent)
	}
}
