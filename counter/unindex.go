package counter

import (
	"context"
	"errors"
	"fmt"
)

// Unindexer is a Store whose index of who holds what is kept beside the ledgers: it
// says too much once a person has deleted or replaced a ledger. A Store need not be
// one.
type Unindexer interface {
	// Unindex takes s out of what HeldBy and Holding say of holder, if the ledger of
	// s is still v, in which holder has no block: then nil, and harmless when
	// repeated. ErrConflict: the ledger is another by now.
	Unindex(ctx context.Context, holder string, s Series, v Version) error
}

// unindex takes out of the index what it says of a dead holder although the ledger
// does not: else every scan would look there again, for ever. Called after what the
// holder has was settled.
func (l *life) unindex(ctx context.Context, dead string) error {
	store, ok := l.a.Config.Store.(Unindexer)
	if !ok {
		return nil
	}
	callCtx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	held, err := l.a.Config.Store.HeldBy(callCtx, dead)
	if err != nil {
		return fmt.Errorf("list what %s holds: %w", dead, err)
	}
	var failed []error
	for _, s := range held {
		if err := l.unindexOne(ctx, store, dead, s); err != nil {
			failed = append(failed, fmt.Errorf("take %s out of the index of %s: %w", s, dead, err))
		}
	}
	return errors.Join(failed...)
}

func (l *life) unindexOne(ctx context.Context, store Unindexer, dead string, s Series) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	led, v, err := l.a.Config.Store.Load(ctx, s)
	if err != nil || len(led.HeldBy(dead)) > 0 {
		return err // it stays to be settled
	}
	if err := store.Unindex(ctx, dead, s, v); !errors.Is(err, ErrConflict) {
		return err
	}
	return nil // somebody works on it; the next scan looks again
}
