package countertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
)

const (
	callWithin  = time.Second            // one call
	knownWithin = 20 * time.Second       // one answer, through all its repeats
	repeatAfter = 2 * time.Millisecond   // a call that failed
	closeWithin = 500 * time.Millisecond // what a test leaves behind; it ends by itself
)

// caller is who speaks to a store in the suite. It holds each answer to a swap
// against what is then stored.
type caller struct {
	testing.TB
	store counter.Store
	seen  *tally // nil: nothing gets lost, and an unknown outcome is a fault
}

// tally counts the unknown outcomes of swaps, as they were found out. The zero
// tally has seen none.
type tally struct{ after, before atomic.Int64 }

func (y *tally) String() string {
	return fmt.Sprintf("%d replies lost after their swap took effect, %d swaps lost before", y.after.Load(), y.before.Load())
}

// shown returns an error if one of both never came about.
func (y *tally) shown() error {
	if y.after.Load() == 0 || y.before.Load() == 0 {
		return fmt.Errorf("%s: this run shows nothing", y)
	}
	return nil
}

// once makes one call.
func (c *caller) once(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(c.Context(), callWithin)
	defer cancel()
	return call(ctx)
}

// until repeats a call that is harmless when repeated until it is answered, where
// calls get lost. Nothing is wrong with a call that finds a ledger damaged.
func (c *caller) until(call func(context.Context) error) error {
	for end := time.Now().Add(knownWithin); ; time.Sleep(repeatAfter) {
		err := c.once(call)
		if err == nil || c.seen == nil || errors.Is(err, counter.ErrDamaged) || time.Now().After(end) {
			return err
		}
	}
}

// must ends the test if a call is not answered.
func (c *caller) must(what string, call func(context.Context) error) {
	c.Helper()
	if err := c.until(call); err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// tryLoad is load for goroutines other than the test's own.
func (c *caller) tryLoad(s counter.Series) (l counter.Ledger, v counter.Version, err error) {
	err = c.until(func(ctx context.Context) (err error) {
		l, v, err = c.store.Load(ctx, s)
		return err
	})
	return l, v, err
}

func (c *caller) load(s counter.Series) (l counter.Ledger, v counter.Version) {
	c.Helper()
	l, v, err := c.tryLoad(s)
	if err != nil {
		c.Fatalf("load %s: %v", s, err)
	}
	return l, v
}

// swap sends a swap until its outcome is known: nil, ErrConflict or ErrLost. Any
// other error is something that a sound store never does. Nobody else may replace
// what was swapped in meanwhile, and next must not have been there before.
func (c *caller) swap(holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
	end := time.Now().Add(knownWithin)
	for unknown := int64(0); ; unknown++ {
		told := c.once(func(ctx context.Context) error { return c.store.Swap(ctx, holder, s, old, next) })
		if told == nil || errors.Is(told, counter.ErrConflict) || errors.Is(told, counter.ErrLost) {
			return c.verify(told, unknown, s, old, next)
		}
		if c.seen == nil || time.Now().After(end) {
			return fmt.Errorf("not a known outcome: %w", told)
		}
		l, _, err := c.tryLoad(s)
		if err != nil {
			return err
		}
		if l.Equal(next) {
			c.seen.after.Add(1)
			return nil
		}
		time.Sleep(repeatAfter)
	}
}

// verify holds what a swap was told, after so many unknown outcomes of the same,
// against what is stored.
func (c *caller) verify(told error, unknown int64, s counter.Series, old counter.Version, next counter.Ledger) error {
	l, v, err := c.tryLoad(s)
	if err != nil {
		return err
	}
	there := l.Equal(next)
	switch {
	case told == nil && !there:
		return fmt.Errorf("told that the ledger was replaced, it is %+v", l)
	case told == nil && unknown > 0:
		c.seen.before.Add(unknown) // one that had taken effect would have made this a conflict
	case told != nil && there && unknown > 0:
		c.seen.after.Add(1) // the repeat was refused because an earlier one was not
		return nil
	case told != nil && there:
		return fmt.Errorf("told %q, but the ledger was replaced", told)
	case errors.Is(told, counter.ErrConflict) && v == old:
		return fmt.Errorf("told %q, but the ledger is the very one that was to be replaced", told)
	}
	return told
}

// mustSwap ends the test if a swap is not applied.
func (c *caller) mustSwap(holder string, s counter.Series, old counter.Version, next counter.Ledger) {
	c.Helper()
	if err := c.swap(holder, s, old, next); err != nil {
		c.Fatalf("swap %s: %v", s, err)
	}
}

// reserve makes one reservation and returns the ledger as it is then stored.
func (c *caller) reserve(holder string, s counter.Series, n int64) (counter.Ledger, counter.Block) {
	c.Helper()
	old, v := c.load(s)
	next, b, err := old.Reserve(counter.Want{Holder: holder, Era: "0.1.7", Count: n, At: time.Now().UTC()})
	if err != nil {
		c.Fatal(err)
	}
	c.mustSwap(holder, s, v, next)
	return next, b
}

// register makes a holder, and returns its name: where calls get lost one that
// begins with the name that was asked for, since a name whose registration failed
// is not used again.
func (c *caller) register(name string) (string, counter.Registration) {
	c.Helper()
	var reg counter.Registration
	try := 0
	c.must("register "+name, func(ctx context.Context) (err error) {
		holder := counter.Holder{Name: name + strings.Repeat("x", try), Pod: "pod", Started: time.Now().UTC()}
		try++
		reg, err = c.store.Register(ctx, holder)
		return err
	})
	c.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		_ = reg.Close(ctx) // closed by the test already, in some
	})
	return name + strings.Repeat("x", try-1), reg
}

// close ends a registration for certain.
func (c *caller) close(reg counter.Registration) {
	c.Helper()
	c.must("close", reg.Close)
}

func (c *caller) heldBy(holder string) (held []counter.Series) {
	c.Helper()
	c.must("held by "+holder, func(ctx context.Context) (err error) {
		held, err = c.store.HeldBy(ctx, holder)
		return err
	})
	sortSeries(held)
	return held
}

func (c *caller) wantHeld(holder string, want ...counter.Series) {
	c.Helper()
	if got := c.heldBy(holder); !slices.Equal(got, want) {
		c.Fatalf("%s holds %v, want %v", holder, got, want)
	}
}

func (c *caller) wantHolding(want ...string) {
	c.Helper()
	var got []string
	c.must("holding", func(ctx context.Context) (err error) {
		got, err = c.store.Holding(ctx)
		return err
	})
	if slices.Sort(got); !slices.Equal(got, want) {
		c.Fatalf("holding: %v, want %v", got, want)
	}
}

// wantOneWon: of steps that raced for one ledger one took effect, and the others
// were told so.
func (c *caller) wantOneWon(told []error) {
	c.Helper()
	won := 0
	for _, err := range told {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, counter.ErrConflict):
			c.Errorf("got %v, want ErrConflict", err)
		}
	}
	if won != 1 {
		c.Fatalf("%d of %d won, want 1", won, len(told))
	}
}
