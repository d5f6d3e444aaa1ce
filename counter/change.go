package counter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	callTimeout    = 500 * time.Millisecond // of the first call to the store
	callTimeoutMax = 5 * time.Second        // it doubles, for a store that is slow
	pauseMin       = 2 * time.Millisecond   // before the first repeat
	pauseMax       = 2 * time.Second
)

// errNoChange is what [change.next] returns when nothing is left to do.
var errNoChange = errors.New("nothing to change")

// change is one transition of one ledger, repeated until its outcome is known.
// This loop is where the store's third outcome is dealt with: after a swap that
// may have been applied, the ledger is read again and the change looks for
// itself in it.
type change struct {
	store    Store
	restored int64 // what the store said of itself when this life began
	holder   string
	series   Series
	count    *counts

	// next computes the transition; errNoChange ends the change well.
	next func(ctx context.Context, l Ledger, v Version) (Ledger, error)
	// applied recognises the transition that next computed last.
	applied func(Ledger) bool
	// tried is how many attempts failed before this change: it is patient at once.
	tried int
	slow  int // calls that used up their time: the next may take twice as long
	// revision is the store's when the change was applied; 0 if the store did not tell,
	// as when its reply was lost and the change found itself.
	revision int64
	// failed, if set, is told of each attempt that failed; errUnknown is among the
	// errors if its outcome has to be found out.
	failed func(error)
	// wanted, if set, ends a change that fails when nobody needs it any more.
	// A change that may have been sent goes on regardless.
	wanted func() bool
}

// attempt is a swap whose outcome is unknown.
type attempt struct {
	old  Version
	next Ledger
}

// run returns nil once the change is applied or not needed, ErrLost if the
// holder is gone, what next returned, or an error that wraps ErrUnavailable
// when ctx ended first: then it may have been applied.
func (c *change) run(ctx context.Context) error {
	var sent *attempt
	for try := 0; ; try++ {
		if try > 0 && pause(ctx, try+c.tried) != nil || ctx.Err() != nil {
			return unavailable(c.series, ctx.Err())
		}
		done, err := c.try(ctx, &sent)
		if done {
			return nil
		}
		if final(err) {
			return err
		}
		c.tell(err)
		switch {
		case errors.Is(err, ErrConflict):
		case sent == nil && c.wanted != nil && !c.wanted():
			return unavailable(c.series, err)
		}
	}
}

// try makes one round: load, recognise, swap. sent is the swap of unknown
// outcome that is carried from round to round.
func (c *change) try(ctx context.Context, sent **attempt) (done bool, err error) {
	timeout := min(callTimeout<<min(c.slow, 8), callTimeoutMax)
	ledger, version, err := c.load(ctx, timeout)
	if c.store.Restored() != c.restored {
		return false, stop{fmt.Errorf("the store went back in time: %w", ErrLost)}
	}
	if err != nil {
		return false, err
	}
	if *sent != nil && c.applied(ledger) {
		return true, nil
	}
	if *sent != nil && (*sent).old != version {
		*sent = nil // the value has moved on without it: it never will be applied
	}
	if *sent == nil {
		next, err := c.next(ctx, ledger, version)
		if errors.Is(err, errNoChange) {
			return true, nil
		}
		if err != nil {
			return false, stop{err}
		}
		return c.swap(ctx, timeout, attempt{old: version, next: next}, sent)
	}
	return c.swap(ctx, timeout, **sent, sent)
}

func (c *change) load(ctx context.Context, timeout time.Duration) (Ledger, Version, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer c.time(ctx)
	return c.store.Load(ctx, c.series)
}

// swap sends a, and notes it in sent if its outcome stays unknown.
func (c *change) swap(ctx context.Context, timeout time.Duration, a attempt, sent **attempt) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer c.time(ctx)
	if teller, ok := c.store.(RevisionTeller); ok {
		c.revision, err = teller.SwapAt(ctx, c.holder, c.series, a.old, a.next)
	} else {
		err = c.store.Swap(ctx, c.holder, c.series, a.old, a.next)
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrConflict):
		c.count.conflicts.Add(1)
		return false, ErrConflict // an earlier attempt may be the reason: sent is kept
	case errors.Is(err, ErrLost):
		return false, stop{ErrLost}
	}
	c.count.unknown.Add(1)
	*sent = &a
	return false, fmt.Errorf("%w: %w", errUnknown, err)
}

// time notes whether a call, which is over, used up its time. Only then does the
// next have longer: a store that refuses quickly is not slow.
func (c *change) time(call context.Context) {
	if errors.Is(call.Err(), context.DeadlineExceeded) {
		c.slow++
	}
}

func (c *change) tell(err error) {
	if c.failed != nil {
		c.failed(err)
	}
}

// errUnknown: a swap was sent and nobody can say yet what became of it.
var errUnknown = errors.New("outcome unknown")

// stop marks an error that repeating cannot cure.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

func final(err error) bool {
	var s stop
	return errors.As(err, &s) || errors.Is(err, ErrDamaged)
}

// pause waits before the try-th repeat, longer each time and never the same for
// two replicas, or until ctx ends.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return ctx.Err()
	}
	most := min(pauseMin<<min(try-1, 16), pauseMax)
	return waitFor(ctx, most/2+rand.N(most/2))
}

// waitFor waits, or until ctx ends.
func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func unavailable(s Series, cause error) error {
	return fmt.Errorf("%s: %w: %w", s, ErrUnavailable, cause)
}
