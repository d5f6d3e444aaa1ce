package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
)

// client reserves and releases blocks as an allocator does, but notes every
// call, and goes on whatever it is told.
type client struct {
	id      int
	store   counter.Store
	history *history
	calls   *atomic.Int64 // answered, of all clients
}

const (
	callFor   = 500 * time.Millisecond
	thinkTime = 20 * time.Millisecond // at most, between two rounds
)

func (c *client) holder() string { return fmt.Sprintf("pod-%d.1", c.id) }

func (c *client) register(ctx context.Context, t *testing.T) {
	t.Helper()
	reg, err := c.store.Register(ctx, counter.Holder{Name: c.holder(), Started: time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := reg.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// work makes one round after the other until ctx ends. It returns what a sound
// store cannot have answered.
func (c *client) work(ctx context.Context, all []counter.Series) error {
	for ctx.Err() == nil {
		if err := c.round(all[rand.IntN(len(all))]); err != nil {
			return err
		}
		select {
		case <-time.After(rand.N(thinkTime)):
		case <-ctx.Done():
		}
	}
	return nil
}

// round loads a ledger and swaps a changed one in. Of a swap of unknown outcome
// it sometimes sends the very same again, as the allocator does, and sometimes it
// swaps again from what it had loaded, which is old by then.
func (c *client) round(s counter.Series) error {
	old, version, err := c.load(s)
	if err != nil {
		if errors.Is(err, counter.ErrDamaged) {
			return err
		}
		return nil // a load that failed shows nothing
	}
	next, err := c.change(old)
	if err != nil {
		return err
	}
	told, err := c.swap(s, old, version, next)
	if err != nil || told == done && rand.IntN(4) > 0 || told == conflict {
		return err
	}
	_, err = c.swap(s, old, version, next)
	return err
}

// change reserves a block, or releases one of those it holds, in part unused.
func (c *client) change(l counter.Ledger) (counter.Ledger, error) {
	held := l.HeldBy(c.holder())
	if len(held) == 0 || len(held) < 3 && rand.IntN(2) == 0 {
		next, _, err := l.Reserve(counter.Want{Holder: c.holder(), Count: rand.Int64N(9) + 1})
		return next, err
	}
	b := held[rand.IntN(len(held))]
	var unused []counter.Range
	if from := b.First + rand.Int64N(b.Len()+1); from <= b.Last {
		unused = []counter.Range{{First: from, Last: b.Last}}
	}
	next, err := l.Release(b, unused, time.Time{})
	if errors.Is(err, counter.ErrNoRoom) {
		return l.Release(b, nil, time.Time{})
	}
	return next, err
}

func (c *client) load(s counter.Series) (counter.Ledger, counter.Version, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callFor)
	defer cancel()
	begun := c.history.now()
	l, v, err := c.store.Load(ctx, s)
	if err != nil {
		return l, v, err
	}
	c.history.add(c.id, s, call{kind: load}, begun, reply{outcome: done, value: textOf(l)})
	c.calls.Add(1)
	return l, v, nil
}

// swap returns what the client was told. Its holder is registered for longer
// than a test lasts, so that ErrLost is an error.
func (c *client) swap(s counter.Series, old counter.Ledger, v counter.Version, next counter.Ledger) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callFor)
	defer cancel()
	begun := c.history.now()
	err := c.store.Swap(ctx, c.holder(), s, v, next)
	told := unknown
	switch {
	case err == nil:
		told = done
	case errors.Is(err, counter.ErrConflict):
		told = conflict
	case errors.Is(err, counter.ErrLost):
		return "", err
	}
	c.history.add(c.id, s, call{kind: swap, old: textOf(old), next: textOf(next)}, begun, reply{outcome: told})
	if told != unknown {
		c.calls.Add(1)
	}
	return told, nil
}
