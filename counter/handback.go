package counter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// atOnce bounds how many series are handed back side by side.
const atOnce = 128

// handBack ends this life in good order: nothing is given any more, every block
// that can be handed back is, what was offered and is not known to be stored is
// settled, and the registration is closed. Whatever fails is for others to
// settle.
func (l *life) handBack(ctx context.Context) {
	shelves := make(map[Series]*shelf)
	for _, s := range l.end(stopped) {
		shelves[s.series] = s
		l.a.counts.spent.Add(s.spent())
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

// bulk is how many ledgers are loaded at a time.
const bulk = 100

func (l *life) handBackAll(ctx context.Context, held []Series, shelves map[Series]*shelf) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	for part := range slices.Chunk(held, bulk) {
		loaded := l.loadMany(ctx, part)
		for i, s := range part {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := l.handBackSeries(ctx, s, shelves[s], loaded[i]); err != nil {
					l.a.log().Warn("block not handed back, others settle it", "series", s.String(), "holder", l.holder.Name, "error", err)
				}
			})
		}
	}
}

// loadMany loads ledgers in bulk, if the store can; nil for each that it did not.
func (l *life) loadMany(ctx context.Context, all []Series) []*Loaded {
	loaded := make([]*Loaded, len(all))
	store, ok := l.a.Config.Store.(BulkLoader)
	if !ok {
		return loaded
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	found, err := store.LoadMany(ctx, all)
	if err != nil {
		return loaded // each is loaded by itself, and says what is wrong
	}
	for i := range found {
		loaded[i] = &found[i]
	}
	return loaded
}

// handBackSeries releases every block of s that this holder has in the ledger,
// and settles those that it may not release on its own word.
func (l *life) handBackSeries(ctx context.Context, s Series, sh *shelf, loaded *Loaded) error {
	c := l.change(s)
	c.first = loaded
	var released []Block
	rest := 0 // blocks that this holder may not release on its own word
	c.applied = func(led Ledger) bool { return !slices.ContainsFunc(released, led.Holds) }
	c.next = func(_ context.Context, led Ledger, _ Version) (Ledger, error) {
		next := led
		released, rest = released[:0], 0
		for _, b := range led.HeldBy(l.holder.Name) {
			if out, ok := l.releaseClean(next, b, sh.stock(b)); ok {
				next, released = out, append(released, b)
			} else {
				rest++
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
	if rest == 0 {
		return nil
	}
	if err := l.settle(ctx, l.holder.Name, s); err != nil && !errors.Is(err, errNoChange) {
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
