package counter

import (
	"context"
	"slices"
	"sync"
	"time"
)

// tidyAtOnce bounds how many idle series are handed back side by side, each by itself.
const tidyAtOnce = 16

// tidy hands back what idle series have left and forgets their shelves. Numbers that
// can be given by others are handed back at once; a spent block is of use to nobody
// and waits until there are enough for one step of the store, or for as long again:
// so a hand-back costs a quiet series a share of a step.
func (l *life) tidy(ctx context.Context) {
	var idle []*shelf
	var all []parting
	pressing := false
	for _, s := range l.shelves.all() {
		due, presses := s.putAway(time.Now(), l.a.idle(), l.bounds(ctx, s))
		if !due {
			continue
		}
		idle = append(idle, s)
		if stocks := s.leaving(); len(stocks) > 0 {
			all, pressing = append(all, &leave{life: l, shelf: s, stocks: stocks}), pressing || presses
		}
	}
	if pressing || len(all) >= MaxSwaps {
		l.leaveAll(ctx, all)
	}
	for _, s := range idle {
		l.forget(s)
	}
}

// leaveAll hands back what is on its way out. When the store cannot be reached, one
// attempt is enough to know it.
func (l *life) leaveAll(ctx context.Context, all []parting) {
	for group := range slices.Chunk(all, MaxSwaps) {
		alone, err := l.partTogether(ctx, group)
		if err != nil {
			l.loseIfLost(err)
			l.a.log().Warn("idle blocks not handed back, tried again later", "series", len(alone), "holder", l.holder.Name, "error", err)
			return
		}
		l.leaveAlone(ctx, alone)
	}
}

func (l *life) leaveAlone(ctx context.Context, all []parting) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, tidyAtOnce)
	for _, p := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := l.partWithin(ctx, p); err != nil {
				l.loseIfLost(err)
				l.a.log().Warn("idle block not handed back, tried again later", "series", p.of().String(), "holder", l.holder.Name, "error", err)
			}
		})
	}
}

// bounds are those of the series' rules; if they cannot be had, such that nothing
// is surplus. Nobody is asked about a shelf that has too little for that by any
// bounds, as those of quiet series have: there may be very many of them.
func (l *life) bounds(ctx context.Context, s *shelf) Bounds {
	if !s.mayHaveSurplus() {
		return Bounds{Min: maxBlock}
	}
	rules, err := l.a.rules(ctx, s.series)
	if err != nil {
		return Bounds{Min: maxBlock}
	}
	return rules.Bounds
}

func (s *shelf) mayHaveSurplus() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(time.Now())
	return Surplus(s.left(), Demand{}, Bounds{Min: 1, Max: 1})
}

// putAway puts the blocks of a shelf on their way out, those that the holder may
// hand back by itself, if nobody took from it for so long or if it has had far more
// than it needs for a minute. It reports whether there is something to do, and
// whether that presses.
func (s *shelf) putAway(now time.Time, idle time.Duration, b Bounds) (due, presses bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(now)
	defer s.tend(now)
	unused := now.Unix() - int64(s.takes.last)
	due = unused >= int64(idle.Seconds()) && !s.refilling
	surplus := Surplus(s.left(), s.takes.demand(now), b)
	for st := range s.stocks.all() {
		if st.surplus++; !surplus {
			st.surplus = 0
		}
		if !s.refilling && (due || st.surplus >= surplusLooks) {
			st.leaving = st.leaving || st.survey().clean()
		}
	}
	presses = unused >= 2*int64(idle.Seconds()) || s.stocks.any(func(st *stock) bool { return st.leaving && !st.drained() })
	return due || s.stocks.any(func(st *stock) bool { return st.leaving }), presses
}

// leave is the hand-back of blocks of one shelf that are on their way out. Until it
// is known that they left the ledger they stay with the shelf, and nothing is taken
// from them.
type leave struct {
	life   *life
	shelf  *shelf
	stocks []*stock
	gone   []*stock // those that are not in the ledger that next returned last
}

func (p *leave) of() Series { return p.shelf.series }

func (p *leave) next(led Ledger) Ledger {
	p.gone = p.gone[:0]
	for _, st := range p.stocks {
		if out, ok := p.life.releaseClean(led, st.Block(), st); ok {
			led, p.gone = out, append(p.gone, st)
		}
	}
	return led
}

func (p *leave) applied(led Ledger) bool {
	return !slices.ContainsFunc(p.gone, func(st *stock) bool { return led.Holds(st.Block()) })
}

// known lets memory forget what is gone.
func (p *leave) known() {
	s := p.shelf
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	s.remove(p.gone)
	s.tend(now)
}

// handBackLeaving releases the blocks of s that are on their way out.
func (l *life) handBackLeaving(ctx context.Context, s *shelf) error {
	stocks := s.leaving()
	if len(stocks) == 0 {
		return nil
	}
	return l.partWithin(ctx, &leave{life: l, shelf: s, stocks: stocks})
}

func (l *life) partWithin(ctx context.Context, p parting) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	return l.part(ctx, p)
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
