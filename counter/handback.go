package counter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// At the end of a life many series are handed back: groupsAtOnce steps side by side,
// each of many series, and atOnce series each by itself.
const (
	groupsAtOnce = 4
	atOnce       = 128
)

// handBack ends this life in good order: nothing is given any more, every block
// that can be handed back is, what was offered and is not known to be stored is
// settled, and the registration is closed. Whatever fails is for others to
// settle.
func (l *life) handBack(ctx context.Context) {
	shelves := make(map[Series]*shelf)
	for _, s := range l.end(stopped) {
		shelves[s.series] = s
		l.a.counts.left(s.came())
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
	defer wg.Wait()
	groups, slots := make(chan struct{}, groupsAtOnce), make(chan struct{}, atOnce)
	for group := range slices.Chunk(held, MaxSwaps) {
		groups <- struct{}{}
		wg.Go(func() {
			defer func() { <-groups }()
			all := make([]parting, len(group))
			for i, s := range group {
				all[i] = &ending{life: l, series: s, shelf: shelves[s]}
			}
			_, _ = l.partTogether(ctx, all) // who is left over goes on by itself, and says what is wrong
			l.finish(ctx, all, slots)
		})
	}
}

// finish does what could not be done together.
func (l *life) finish(ctx context.Context, all []parting, slots chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range all {
		p := p.(*ending)
		if p.done && p.rest == 0 {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := p.finish(ctx); err != nil {
				l.a.log().Warn("block not handed back, others settle it", "series", p.series.String(), "holder", l.holder.Name, "error", err)
			}
		})
	}
}

// ending is the hand-back, at the end of a life, of every block that its holder has in
// the ledger of a series.
type ending struct {
	life     *life
	series   Series
	shelf    *shelf // nil: memory knows nothing of the series
	released []Block
	rest     int // blocks that this holder may not release on its own word
	done     bool
}

func (p *ending) of() Series { return p.series }

func (p *ending) next(led Ledger) Ledger {
	p.released, p.rest = p.released[:0], 0
	for _, b := range led.HeldBy(p.life.holder.Name) {
		if out, ok := p.life.releaseClean(led, b, p.shelf.stock(b)); ok {
			led, p.released = out, append(p.released, b)
		} else {
			p.rest++
		}
	}
	return led
}

func (p *ending) applied(led Ledger) bool { return !slices.ContainsFunc(p.released, led.Holds) }

func (p *ending) known() { p.done = true }

// finish hands back what is not yet known to be, and settles the rest.
func (p *ending) finish(ctx context.Context) error {
	if !p.done {
		if err := p.life.part(ctx, p); err != nil {
			return err
		}
	}
	if p.rest == 0 {
		return nil
	}
	if err := p.life.settle(ctx, p.life.holder.Name, p.series); err != nil && !errors.Is(err, errNoChange) {
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
	for st := range s.stocks.all() {
		if st.is(b) {
			return st
		}
	}
	return nil
}

// releaseClean hands back b in led, if all its numbers are spent or were never
// offered. Of a block that the shelf does not know, st is nil, the holder cannot
// say that: it may be of a seek that did not come to its end, or of a history in
// which its numbers were used.
func (l *life) releaseClean(led Ledger, b Block, st *stock) (Ledger, bool) {
	if !led.Holds(b) {
		return led, true
	}
	if st == nil {
		return led, false
	}
	found := st.shelf.survey(st)
	if !found.clean() {
		return led, false
	}
	next, err := led.Release(b, found.unused, time.Now().UTC())
	return next, err == nil
}
