package counter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// errOver is the answer of a shelf whose life has ended, or that was put away:
// the caller asks for the present one.
var errOver = errors.New("this shelf is closed")

// life is one holder: from its registration until it is lost, abandoned or
// handed back. Its shelves live and end with it.
type life struct {
	a      *Allocator
	holder Holder
	era    string
	reg    Registration

	ctx    context.Context // ends with the life; bounds its refills
	cancel context.CancelFunc
	lost   chan struct{} // closed by lose
	once   sync.Once

	mu      sync.Mutex // guards what follows; never held across I/O
	shelves map[Series]*shelf
	ended   bool

	refills sync.WaitGroup
}

func newLife(a *Allocator, h Holder, era string, reg Registration) *life {
	ctx, cancel := context.WithCancel(context.Background())
	return &life{
		a: a, holder: h, era: era, reg: reg,
		ctx: ctx, cancel: cancel, lost: make(chan struct{}),
		shelves: make(map[Series]*shelf),
	}
}

// lose ends this life at once for everybody who comes to take: what its shelves
// still have cannot be written any more. Its own end follows in Run.
func (l *life) lose() {
	l.a.withdraw(l)
	l.once.Do(func() { close(l.lost) })
}

// live tends the shelves until ctx ends or the life is lost.
func (l *life) live(ctx context.Context) {
	tick := time.NewTicker(l.a.idle() / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.lost:
			return
		case <-l.reg.Lost():
			return
		case <-tick.C:
			l.tidy(ctx)
		}
	}
}

// shelf returns the shelf of s, or nil if this life has ended.
func (l *life) shelf(s Series) *shelf {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	sh := l.shelves[s]
	if sh == nil {
		sh = &shelf{life: l, series: s}
		l.shelves[s] = sh
	}
	return sh
}

// all returns the shelves as they are now, in no order.
func (l *life) all() []*shelf {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.shelves))
}

// end closes every shelf with err, stops the refills and waits for them.
func (l *life) end(err error) []*shelf {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	shelves := l.all()
	for _, s := range shelves {
		s.close(err)
	}
	l.cancel()
	l.refills.Wait()
	return shelves
}

// drop ends a life that is lost: whatever it held is for others to settle, and
// those who wait go on in the next life.
func (l *life) drop() {
	l.end(errOver)
	ctx, cancel := context.WithTimeout(context.Background(), callTimeoutMax)
	defer cancel()
	if err := l.reg.Close(ctx); err != nil {
		l.a.log().Warn("registration not closed, it ends by itself", "holder", l.holder.Name, "error", err)
	}
}

func (l *life) count(f fate) { l.a.counts.fate(f) }

// startRefill refills s unless that is under way.
func (l *life) startRefill(s *shelf) {
	if !s.begin() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return // the shelf is about to be closed, which answers who waits
	}
	l.refills.Go(func() { l.refill(s) })
}

// refill reserves blocks until nobody waits. What can be cured by waiting is
// tried again, ever more slowly, for as long as somebody waits.
func (l *life) refill(s *shelf) {
	for failed := 0; ; {
		err := l.reserve(s)
		switch {
		case err == nil:
			failed = 0
		case errors.Is(err, ErrLost):
			l.lose() // the shelf is closed with the life
			return
		case l.ctx.Err() != nil:
			return
		case errors.Is(err, ErrUnavailable):
			failed++
			l.a.log().Warn("no block reserved yet", "series", s.series.String(), "holder", l.holder.Name, "failed", failed, "error", err)
		default:
			l.a.log().Error("no block reserved", "series", s.series.String(), "holder", l.holder.Name, "error", err)
			s.fail(err)
			return
		}
		if s.refilled() || pause(l.ctx, failed) != nil {
			return
		}
	}
}
