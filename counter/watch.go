package counter

import (
	"context"
	"math/rand/v2"
	"time"
)

// spreadGone is the time over which replicas spread what all of them would do at
// once: the first to come leaves nothing to do for the others.
const spreadGone = 200 * time.Millisecond

// attend watches the store until ctx ends: what is called in is handed back, and
// holders that are gone are told to the sweeper, through gone.
func (a *Allocator) attend(ctx context.Context, gone chan<- string) {
	for broken := 0; pause(ctx, broken) == nil; broken++ {
		begun := time.Now()
		err := a.Config.Store.Watch(ctx, func(n Notice) { a.notice(n, gone) })
		if ctx.Err() != nil {
			return
		}
		a.log().Warn("watch broke, begun anew", "error", err)
		if time.Since(begun) > time.Minute {
			broken = 0
		}
	}
}

func (a *Allocator) notice(n Notice, gone chan<- string) {
	l := a.current.Load()
	switch {
	case l == nil:
	case n.Gone == "":
		l.callIn(n.Series, n.Last)
	case n.Gone == l.holder.Name:
		l.lose()
	default:
		select {
		case gone <- n.Gone:
		default: // the sweeper has more than enough to do; its scan finds this one
		}
	}
}

// sweep settles the blocks of dead holders until ctx ends: those it is told of,
// and, by a scan from time to time, those of which nobody told. All replicas do
// it at once; whoever swaps first wins and the others find nothing left to do.
func (a *Allocator) sweep(ctx context.Context, gone <-chan string) {
	scan := time.NewTimer(a.untilScan())
	defer scan.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case dead := <-gone:
			a.settleGone(ctx, dead)
		case <-scan.C:
			a.scan(ctx)
			scan.Reset(a.untilScan())
		}
	}
}

func (a *Allocator) untilScan() time.Duration {
	every := a.sweepEvery()
	return every/2 + rand.N(every)
}

func (a *Allocator) settleGone(ctx context.Context, dead string) {
	if waitFor(ctx, rand.N(spreadGone)) != nil {
		return
	}
	if l := a.current.Load(); l != nil {
		a.warnUnsettled(ctx, l, l.settleHolder(ctx, dead))
	}
}

func (a *Allocator) scan(ctx context.Context) {
	if l := a.current.Load(); l != nil { // not registered just now: the others sweep
		a.warnUnsettled(ctx, l, l.sweepOnce(ctx))
	}
}

func (a *Allocator) warnUnsettled(ctx context.Context, l *life, err error) {
	l.loseIfLost(err)
	if err != nil && ctx.Err() == nil {
		a.log().Warn("not all dead holders are settled, tried again", "error", err)
	}
}
