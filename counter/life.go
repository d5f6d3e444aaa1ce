package counter

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errOver is the answer of a shelf whose life has ended, or that was put away:
// the caller asks for the present one.
var errOver = errors.New("this shelf is closed")

// life is one holder: from its registration until it is lost, abandoned or
// handed back. Its shelves live and end with it.
type life struct {
	a        *Allocator
	holder   Holder
	era      string
	reg      Registration
	restored int64 // what the store said of itself at the beginning

	ctx    context.Context // ends with the life; bounds its work
	cancel context.CancelFunc
	lost   chan struct{} // closed by lose
	once   sync.Once

	shelves table

	mu    sync.Mutex // guards what follows; never held across I/O
	ended bool
	work  sync.WaitGroup     // refills and recalls
	aside map[Series][]Block // that seeks have reserved
}

func newLife(a *Allocator, h Holder, era string, reg Registration, restored int64) *life {
	ctx, cancel := context.WithCancel(context.Background())
	return &life{
		a: a, holder: h, era: era, reg: reg, restored: restored,
		ctx: ctx, cancel: cancel, lost: make(chan struct{}),
		shelves: newTable(),
	}
}

// lose ends this life for everybody who comes to take, before it returns: what its
// shelves still have cannot be written any more. Its own end follows in Run.
func (l *life) lose() {
	l.a.withdraw(l)
	l.once.Do(func() {
		for _, s := range l.shelves.end() {
			s.close(lifeOver)
		}
		close(l.lost)
	})
}

// loseIfLost ends this life if err says that its holder is gone.
func (l *life) loseIfLost(err error) {
	if errors.Is(err, ErrLost) {
		l.lose()
	}
}

// live tends the shelves until ctx ends or the life is lost.
func (l *life) live(ctx context.Context) {
	tick := time.NewTicker(max(time.Second, l.a.idle()/12))
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
			if l.a.Config.Store.Restored() != l.restored {
				return
			}
			l.tidy(ctx)
		}
	}
}

// shelf returns the shelf of s, or nil if this life has ended.
func (l *life) shelf(s Series) *shelf {
	if sh := l.shelves.find(s); sh != nil {
		return sh
	}
	return l.shelves.findOrMake(s, func() *shelf { return &shelf{life: l, series: s} })
}

// spawn runs f as part of this life, whose end waits for it; false once that has
// begun.
func (l *life) spawn(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.work.Go(f)
	return true
}

// end closes every shelf, stops what works on them and waits for it.
func (l *life) end(why over) []*shelf {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	shelves := l.shelves.end()
	for _, s := range shelves {
		s.close(why)
	}
	l.cancel()
	l.work.Wait()
	return shelves
}

// drop ends a life that is lost: whatever it held is for others to settle, and
// those who wait go on in the next life.
func (l *life) drop() {
	for _, s := range l.end(lifeOver) {
		l.a.counts.left(s.came())
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeoutMax)
	defer cancel()
	if err := l.reg.Close(ctx); err != nil {
		l.a.log().Warn("registration not closed, it ends by itself", "holder", l.holder.Name, "error", err)
	}
}
