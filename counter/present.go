package counter

import (
	"context"
	"fmt"
)

// present returns the life that goes on now, nil between two lives, and a
// channel that is closed when that changes.
func (a *Allocator) present() (*life, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed == nil {
		a.changed = make(chan struct{})
	}
	return a.current.Load(), a.changed
}

// living waits until there is a life.
func (a *Allocator) living(ctx context.Context) (*life, error) {
	for {
		if l := a.current.Load(); l != nil {
			return l, nil
		}
		l, changed := a.present()
		if l != nil {
			return l, nil
		}
		if a.isStopped() {
			return nil, ErrClosed
		}
		if err := wait(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// changedFrom waits until the present life is another than l.
func (a *Allocator) changedFrom(ctx context.Context, l *life) error {
	for {
		current, changed := a.present()
		if current != l {
			return nil
		}
		if err := wait(ctx, changed); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: no holder is registered: %w", ErrUnavailable, context.Cause(ctx))
	}
}

func (a *Allocator) publish(l *life) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current.Store(l)
	if l != nil {
		a.latest = l.holder.Name
	}
	a.announce()
}

// withdraw makes l not the present life any more, if it is.
func (a *Allocator) withdraw(l *life) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.CompareAndSwap(l, nil) {
		a.announce()
	}
}

func (a *Allocator) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current.Store(nil)
	a.stopped = true
	a.announce()
}

// announce wakes who waits for a change. a.mu is held.
func (a *Allocator) announce() {
	if a.changed != nil {
		close(a.changed)
	}
	a.changed = nil
}

func (a *Allocator) isStopped() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}
