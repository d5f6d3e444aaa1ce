package counter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// sweepOnce settles what holders that are not alive hold, and takes out of the index
// what is left of them there. The holders are read after what they hold: one that registers in between is not taken for dead.
// (Were it, it would be fenced: a nuisance, never a wrong number.)
func (l *life) sweepOnce(ctx context.Context) error {
	callCtx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	holding, err := l.a.Config.Store.Holding(callCtx)
	if err != nil {
		return fmt.Errorf("list who holds blocks: %w", err)
	}
	alive, err := l.a.Config.Store.Alive(callCtx)
	if err != nil {
		return fmt.Errorf("list holders alive: %w", err)
	}
	var failed []error
	for _, dead := range holding {
		if !slices.Contains(alive, dead) {
			failed = append(failed, l.settleHolder(ctx, dead), l.unindex(ctx, dead))
		}
	}
	return errors.Join(failed...)
}

func (l *life) settleHolder(ctx context.Context, dead string) error {
	callCtx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	held, err := l.a.Config.Store.HeldBy(callCtx, dead)
	if err != nil {
		return fmt.Errorf("list what %s holds: %w", dead, err)
	}
	var failed []error
	for _, s := range held {
		err := l.settle(ctx, dead, s)
		if errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err // not ours to settle any more
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// settle settles the blocks that one holder has in one ledger.
func (l *life) settle(ctx context.Context, dead string, s Series) error {
	var blocks []Block
	var freed int64
	c := l.change(s)
	c.applied = func(led Ledger) bool { return !slices.ContainsFunc(blocks, led.Holds) }
	c.next = func(ctx context.Context, led Ledger, _ Version) (Ledger, error) {
		if blocks = led.HeldBy(dead); len(blocks) == 0 {
			return led, errNoChange
		}
		next, n, err := l.a.settleBlocks(ctx, s, led, blocks)
		freed = n
		return next, err
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("settle %s of %s: %w", s, dead, err)
	}
	if len(blocks) == 0 {
		return nil
	}
	l.a.settledSome(s, blocks)
	l.a.log().Info("settled", "series", s.String(), "holder", dead, "by", l.holder.Name, "blocks", len(blocks), "freed", freed)
	return nil
}

// settleTimeout bounds the settling of one series: its owner may have to wait
// for what the dead holder still had in flight.
const settleTimeout = 15 * time.Second

func (a *Allocator) settleBlocks(ctx context.Context, s Series, led Ledger, blocks []Block) (Ledger, int64, error) {
	var freed int64
	next := led
	for _, b := range blocks {
		var free []Range // without an owner, what is left of b is forfeited
		if a.Config.Owner != nil {
			var err error
			if free, err = a.Config.Owner.Settle(ctx, s, b); err != nil {
				return led, 0, err
			}
		}
		settled, err := next.Settle(b, free, time.Now().UTC())
		if errors.Is(err, ErrNoRoom) {
			continue
		}
		if err != nil {
			return led, 0, err
		}
		next = settled
		for _, r := range free {
			freed += r.Len()
		}
	}
	if next.Equal(led) {
		return led, 0, errNoChange
	}
	return next, freed, nil
}
