package counter

import (
	"context"
	"slices"
	"sync"
	"time"
)

// tidyAtOnce bounds how many idle series are handed back side by side.
const tidyAtOnce = 16

// tidy hands back what idle series have left and forgets their shelves.
func (l *life) tidy(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, tidyAtOnce)
	for _, s := range l.shelves.all() {
		if !s.putAway(time.Now(), l.a.idle(), l.bounds(ctx, s.series)) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			l.tidyShelf(ctx, s)
		})
	}
}

func (l *life) tidyShelf(ctx context.Context, s *shelf) {
	if err := l.handBackLeaving(ctx, s); err != nil {
		l.loseIfLost(err)
		l.a.log().Warn("idle block not handed back, tried again later", "series", s.series.String(), "holder", l.holder.Name, "error", err)
		return
	}
	l.forget(s)
}

// bounds are those of the series' rules; if they cannot be had, such that nothing
// is surplus.
func (l *life) bounds(ctx context.Context, s Series) Bounds {
	rules, err := l.a.rules(ctx, s)
	if err != nil {
		return Bounds{Min: maxBlock}
	}
	return rules.Bounds
}

// putAway puts the blocks of a shelf on their way out, those that the holder may
// hand back by itself, if nobody took from it for so long or if it has had far more
// than it needs for a minute. It reports whether there is something to do.
func (s *shelf) putAway(now time.Time, idle time.Duration, b Bounds) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(now)
	defer s.tend(now)
	unused := now.Unix()-int64(s.takes.last) >= int64(idle.Seconds())
	surplus := Surplus(s.left(), s.takes.demand(now), b)
	for st := range s.stocks.all() {
		if st.surplus++; !surplus {
			st.surplus = 0
		}
		if !s.refilling && (unused || st.surplus >= surplusLooks) {
			st.leaving = st.leaving || st.survey().clean()
		}
	}
	return unused && !s.refilling || s.stocks.any(func(st *stock) bool { return st.leaving })
}

// handBackLeaving releases the blocks of s that are on their way out. Until it is
// known that they left the ledger they stay with the shelf, and nothing is taken
// from them.
func (l *life) handBackLeaving(ctx context.Context, s *shelf) error {
	leaving := s.leaving()
	if len(leaving) == 0 {
		return nil
	}
	var gone []*stock
	c := l.change(s.series)
	c.applied = func(led Ledger) bool {
		return !slices.ContainsFunc(gone, func(st *stock) bool { return led.Holds(st.Block()) })
	}
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := led
		gone = gone[:0]
		for _, st := range leaving {
			if out, ok := l.releaseClean(next, st.Block(), st); ok {
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
	now := time.Now()
	s.look(now)
	s.remove(gone)
	s.tend(now)
	return nil
}

// leaving returns the stocks that are on their way out.
func (s *shelf) leaving() []*stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	var leaving []*stock
	for st := range s.stocks.all() {
		if st.leaving {
			leaving = append(leaving, st)
		}
	}
	return leaving
}

// forget drops a shelf that has nothing left, so that memory follows the series
// in use.
func (l *life) forget(s *shelf) {
	l.shelves.remove(s, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stocks.lowest != nil || s.waiting() || s.refilling {
			return false
		}
		s.over = lifeOver
		return true
	})
}

// closed reports whether the shelf gives no more numbers.
func (s *shelf) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over != notOver
}
