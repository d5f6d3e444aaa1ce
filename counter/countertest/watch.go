package countertest

import (
	"context"
	"errors"

	"folio/counter"
)

// watch is one call of Watch.
type watch struct {
	wake    chan struct{}
	notices []counter.Notice
	broken  bool
}

// ErrBroken is what a watch ends with that was broken on purpose.
var ErrBroken = errors.New("the watch broke")

// Watch implements counter.Store.
func (m *Mem) Watch(ctx context.Context, notify func(counter.Notice)) error {
	w := &watch{wake: make(chan struct{}, 1)}
	err := m.call(ctx, "Watch", counter.Series{}, func() error {
		if m.watches == nil {
			m.watches = make(map[*watch]bool)
		}
		m.watches[w] = true
		if m.called.Last > 0 {
			w.notices = append(w.notices, m.called)
		}
		return nil
	})
	defer m.unwatch(w)
	for err == nil {
		for _, n := range m.news(w) {
			notify(n)
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-w.wake:
			err = m.brokenWatch(w)
		}
	}
	return err
}

// BreakWatches ends every watch that is open now.
func (m *Mem) BreakWatches() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for w := range m.watches {
		w.broken = true
		w.rouse()
	}
}

func (m *Mem) brokenWatch(w *watch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.broken {
		return ErrBroken
	}
	return nil
}

func (m *Mem) unwatch(w *watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.watches, w)
}

func (m *Mem) news(w *watch) []counter.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := w.notices
	w.notices = nil
	return news
}

// tell gives n to every watch. m.mu is held.
func (m *Mem) tell(n counter.Notice) {
	for w := range m.watches {
		w.notices = append(w.notices, n)
		w.rouse()
	}
}

func (w *watch) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
