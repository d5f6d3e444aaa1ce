package counter

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Settle has the blocks settled that holder has of s, as those of a dead holder are:
// for a block of which no scan learns, because the store's index does not name its
// holder. One that is registered is left alone: ErrAlive. Settle may be called again
// after any error. Other errors: ErrUnavailable, ErrDamaged, ErrClosed, and the owner's.
func (a *Allocator) Settle(ctx context.Context, s Series, holder string) error {
	l, err := a.living(ctx)
	if err == nil {
		err = l.settleOne(ctx, s, holder)
		l.loseIfLost(err)
	}
	if errors.Is(err, ErrLost) {
		err = unavailable(s, err) // the next life may do it
	}
	if err != nil {
		return fmt.Errorf("settle %s of %s: %w", s, holder, err)
	}
	return nil
}

func (l *life) settleOne(ctx context.Context, s Series, holder string) error {
	callCtx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	alive, err := l.a.Config.Store.Alive(callCtx)
	switch {
	case err != nil:
		return unavailable(s, fmt.Errorf("list holders alive: %w", err))
	case slices.Contains(alive, holder):
		return ErrAlive
	}
	return l.settle(ctx, holder, s)
}
