package counter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// MaxBatch is the most numbers that TakeN gives at once.
const MaxBatch = maxBlock

// Handle is a way to the numbers of one series that need not look it up by name
// each time. It outlives any number of holders, and may be used by many
// goroutines at once.
type Handle struct {
	// open is the gate that was found open last, so that most takes touch the
	// handle and one strip, and nothing else. A gate that was shut since gives
	// nothing: then the shelf is asked.
	open atomic.Pointer[strip]
	way  *way // apart, so that four handles are on a cache line
}

// way is how a handle comes to its shelf, if no gate leads there.
type way struct {
	a      *Allocator
	series Series
	shelf  atomic.Pointer[shelf] // of the life in which it was used last
}

// Handle returns a handle of s. It does nothing yet: it never fails.
func (a *Allocator) Handle(s Series) *Handle { return &Handle{way: &way{a: a, series: s}} }

// Take returns the lowest number at hand, waiting for a refill until ctx ends.
// Errors are those of [Allocator.Take].
func (h *Handle) Take(ctx context.Context) (Number, error) {
	if open := h.open.Load(); open != nil {
		if n, ok := open.take(); ok {
			return n, nil
		}
	}
	return h.takeSlowly(ctx)
}

// takeSlowly is Take for whoever found the gate shut. The strip leads to its shelf,
// past what would have to be fetched from memory first; a shelf that is over sends
// back to the present life.
func (h *Handle) takeSlowly(ctx context.Context) (Number, error) {
	if open := h.open.Load(); open != nil {
		sh := open.from.shelf
		n, err := sh.takeSlowly(ctx)
		h.open.Store(sh.quick.Load())
		if !errors.Is(err, errOver) {
			return n, err
		}
	}
	w := h.way
	n, err := takeFrom(ctx, w.a, w.series, w.find, (*shelf).takeSlowly)
	if sh := w.shelf.Load(); sh != nil {
		h.open.Store(sh.quick.Load())
	}
	return n, err
}

// TakeN returns count numbers, 1 to [MaxBatch], all or none. They are contiguous
// if a block at hand, or the next one, has so many in a row.
func (h *Handle) TakeN(ctx context.Context, count int) ([]Number, error) {
	return takeN(ctx, h.way.a, h.way.series, h.way.find, count)
}

func (w *way) find(l *life) *shelf {
	if sh := w.shelf.Load(); sh != nil && sh.life == l && !sh.closed() {
		return sh
	}
	sh := l.shelf(w.series)
	if sh != nil {
		w.shelf.Store(sh)
	}
	return sh
}

// Take returns the lowest number of s at hand, waiting for a refill until ctx
// ends. Errors: ErrUnavailable (try again later), ErrExhausted, ErrDamaged,
// ErrClosed.
func (a *Allocator) Take(ctx context.Context, s Series) (Number, error) {
	if l := a.current.Load(); l != nil {
		if sh := l.shelves.find(s); sh != nil {
			if n, ok := sh.takeQuick(); ok {
				return n, nil
			}
		}
	}
	return takeFrom(ctx, a, s, func(l *life) *shelf { return l.shelf(s) }, (*shelf).takeSlowly)
}

// TakeN returns count numbers of s, 1 to [MaxBatch], all or none. They are
// contiguous if a block at hand, or the next one, has so many in a row.
func (a *Allocator) TakeN(ctx context.Context, s Series, count int) ([]Number, error) {
	return takeN(ctx, a, s, func(l *life) *shelf { return l.shelf(s) }, count)
}

// Busy reports whether s is taken from so fast that numbers lie ready for whoever
// comes: a take waits for nothing, and a number that is returned is taken by the
// next. Of a quiet series the next number may be another replica's.
func (a *Allocator) Busy(s Series) bool {
	l := a.current.Load()
	if l == nil {
		return false
	}
	sh := l.shelves.find(s)
	return sh != nil && sh.quick.Load() != nil
}

func takeN(ctx context.Context, a *Allocator, s Series, find func(*life) *shelf, count int) ([]Number, error) {
	if count < 1 || count > MaxBatch {
		return nil, fmt.Errorf("take %d numbers of %s: want 1 to %d", count, s, MaxBatch)
	}
	return takeFrom(ctx, a, s, find, func(sh *shelf, ctx context.Context) ([]Number, error) {
		return sh.takeMany(ctx, int64(count))
	})
}

// takeFrom takes from the shelf of the present life, or of the next one, if that
// ends meanwhile.
func takeFrom[T any](ctx context.Context, a *Allocator, s Series, find func(*life) *shelf, take func(*shelf, context.Context) (T, error)) (T, error) {
	var none T
	for {
		l, err := a.living(ctx)
		if err != nil {
			return none, fmt.Errorf("%s: %w", s, err)
		}
		sh := find(l)
		if sh == nil { // it has just ended
			if err := a.changedFrom(ctx, l); err != nil {
				return none, fmt.Errorf("%s: %w", s, err)
			}
			continue
		}
		out, err := take(sh, ctx)
		if !errors.Is(err, errOver) {
			return out, err
		}
	}
}
