package counter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// atOnce bounds how many series are handed back side by side.
const atOnce = 64

// tidy hands back what idle series have left and forgets their shelves.
func (l *life) tidy(ctx context.Context) {
	shelves := l.all()
	before := time.Now().Add(-l.a.idle())
	for _, s := range shelves {
		if !s.putAway(before) {
			continue
		}
		if err := l.handBackIdle(ctx, s); err != nil {
			l.a.log().Warn("idle block not handed back, tried again later", "series", s.series.String(), "holder", l.holder.Name, "error", err)
			continue
		}
		l.forget(s)
	}
}

// putAway moves the blocks of a shelf that nobody took from since before to
// those that leave. It reports whether there is something to do.
func (s *shelf) putAway(before time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refilling || s.lastTake.After(before) {
		return len(s.leaving) > 0
	}
	s.stocks = slices.DeleteFunc(s.stocks, func(st *stock) bool {
		_, clean := st.unused()
		if clean {
			s.leaving = append(s.leaving, st)
		}
		return clean
	})
	return true
}

// handBackIdle releases the blocks that leave s. Until it is known that they
// left the ledger they stay with the shelf, and nothing is taken from them.
func (l *life) handBackIdle(ctx context.Context, s *shelf) error {
	s.mu.Lock()
	leaving := slices.Clone(s.leaving)
	s.mu.Unlock()
	if len(leaving) == 0 {
		return nil
	}
	var gone []*stock
	c := l.change(s.series)
	c.applied = func(led Ledger) bool {
		return !slices.ContainsFunc(gone, func(st *stock) bool { return led.Holds(st.Block) })
	}
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := led
		gone = gone[:0]
		for _, st := range leaving {
			if out, ok := l.releaseClean(next, st.Block, st); ok {
				next, gone = out, append(gone, st)
			}
		}
		if next.Equal(led) {
			return led, errNoChange
		}
		return next, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	if err := c.run(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeStocks(gone)
	return nil
}

// releaseClean hands back b in led, if all its numbers are spent or were never
// offered. A block that the shelf does not know was reserved by a swap whose
// reply never came: none of it was ever taken.
func (l *life) releaseClean(led Ledger, b Block, st *stock) (Ledger, bool) {
	if !led.Holds(b) {
		return led, true
	}
	unused := []Range{b.Range}
	if st != nil {
		var clean bool
		if unused, clean = st.unused(); !clean {
			return led, false
		}
	}
	next, err := led.Release(b, unused, time.Now().UTC())
	return next, err == nil
}

// forget drops a shelf that has nothing left, so that memory follows the series
// in use.
func (l *life) forget(s *shelf) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stocks)+len(s.leaving)+len(s.waiting) > 0 || s.refilling {
		return
	}
	s.over = errOver
	delete(l.shelves, s.series)
}

// handBack ends this life in good order: nothing is given any more, every block
// that can be handed back is, what was offered and is not known to be stored is
// settled, and the registration is closed. Whatever fails is for others to
// settle.
func (l *life) handBack(ctx context.Context) {
	shelves := make(map[Series]*shelf)
	for _, s := range l.end(ErrClosed) {
		shelves[s.series] = s
	}
	held, err := l.a.Config.Store.HeldBy(ctx, l.holder.Name)
	if err != nil {
		l.a.log().Warn("blocks not handed back, others settle them", "holder", l.holder.Name, "error", err)
	}
	l.handBackAll(ctx, held, shelves)
	if err := l.reg.Close(ctx); err != nil {
		l.a.log().Warn("registration not closed, it ends by itself", "holder", l.holder.Name, "error", err)
	}
	l.a.log().Info("handed back", "holder", l.holder.Name, "series", len(held))
}

func (l *life) handBackAll(ctx context.Context, held []Series, shelves map[Series]*shelf) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, s := range held {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := l.handBackSeries(ctx, s, shelves[s]); err != nil {
				l.a.log().Warn("block not handed back, others settle it", "series", s.String(), "holder", l.holder.Name, "error", err)
			}
		})
	}
	wg.Wait()
}

// handBackSeries releases every block of s that this holder has in the ledger,
// and settles those that it may not release on its own word.
func (l *life) handBackSeries(ctx context.Context, s Series, sh *shelf) error {
	c := l.change(s)
	var released []Block
	c.applied = func(led Ledger) bool { return !slices.ContainsFunc(released, led.Holds) }
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := led
		released = released[:0]
		for _, b := range led.HeldBy(l.holder.Name) {
			if out, ok := l.releaseClean(next, b, sh.stock(b)); ok {
				next, released = out, append(released, b)
			}
		}
		if len(released) == 0 {
			return led, errNoChange
		}
		return next, nil
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	if err := l.a.settleSeries(ctx, l.holder.Name, l.holder.Name, s); err != nil && !errors.Is(err, errNoChange) {
		return err
	}
	return nil
}

// stock finds the stock of b; nil if the shelf does not know it.
func (s *shelf) stock(b Block) *stock {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range slices.Concat(s.stocks, s.leaving) {
		if st.Is(b) {
			return st
		}
	}
	return nil
}
