// Package countertest holds what proves an allocator and its stores: an
// in-memory [Mem] store with latency and faults, and the suite [TestStore] that
// every store must pass. It is imported by tests only.
package countertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"folio/counter"
)

// Fault decides what becomes of one call: the two bits of a network.
type Fault struct {
	Drop  bool          // the call has no effect
	Mute  bool          // the caller is told of a failure, whatever happened
	Delay time.Duration // before it takes effect
	Late  time.Duration // after it took effect, before the reply
	Stray time.Duration // of a Swap: the caller is told of a failure now, the effect comes this much later
}

// ErrFault is what a muted or dropped call returns.
var ErrFault = errors.New("planted fault")

// Mem is a Store in memory, shared by all the holders of a test. The zero Mem is
// empty and without faults.
type Mem struct {
	// Faults, if set, is asked before each call: op is the method's name.
	Faults func(op string, s counter.Series) Fault

	mu      sync.Mutex
	ledgers map[counter.Series]string // as text, as a real store keeps them
	alive   map[string]*registration
	swaps   int
	history int64 // how often it was restored
	called  counter.Notice
	watches map[*watch]bool
}

// watch is one call of Watch.
type watch struct {
	wake    chan struct{}
	notices []counter.Notice
	broken  bool
}

// ErrBroken is what a watch ends with that was broken on purpose.
var ErrBroken = errors.New("the watch broke")

type registration struct {
	mem  *Mem
	name string
	lost chan struct{}
}

// Load implements counter.Store.
func (m *Mem) Load(ctx context.Context, s counter.Series) (l counter.Ledger, v counter.Version, err error) {
	err = m.call(ctx, "Load", s, func() error {
		text, ok := m.ledgers[s]
		if !ok {
			return nil
		}
		v = counter.Version(text)
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return fmt.Errorf("%w: %w", counter.ErrDamaged, err)
		}
		return nil
	})
	return l, v, err
}

// Swap implements counter.Store.
func (m *Mem) Swap(ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	return m.call(ctx, "Swap", s, func() error {
		m.swaps++
		if m.alive[holder] == nil {
			return counter.ErrLost
		}
		if m.ledgers[s] != string(old) {
			return counter.ErrConflict
		}
		m.put(s, string(text))
		return nil
	})
}

// Register implements counter.Store.
func (m *Mem) Register(ctx context.Context, h counter.Holder) (counter.Registration, error) {
	r := &registration{mem: m, name: h.Name, lost: make(chan struct{})}
	err := m.call(ctx, "Register", counter.Series{}, func() error {
		if m.alive == nil {
			m.alive = make(map[string]*registration)
		}
		m.alive[h.Name] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Alive implements counter.Store.
func (m *Mem) Alive(ctx context.Context) (names []string, err error) {
	err = m.call(ctx, "Alive", counter.Series{}, func() error {
		names = slices.Sorted(maps.Keys(m.alive))
		return nil
	})
	return names, err
}

// Holding implements counter.Store.
func (m *Mem) Holding(ctx context.Context) (names []string, err error) {
	err = m.call(ctx, "Holding", counter.Series{}, func() error {
		seen := make(map[string]bool)
		m.each(func(_ counter.Series, l counter.Ledger) {
			for _, b := range l.Held {
				seen[b.Holder] = true
			}
		})
		names = slices.Sorted(maps.Keys(seen))
		return nil
	})
	return names, err
}

// HeldBy implements counter.Store.
func (m *Mem) HeldBy(ctx context.Context, holder string) (held []counter.Series, err error) {
	err = m.call(ctx, "HeldBy", counter.Series{}, func() error {
		m.each(func(s counter.Series, l counter.Ledger) {
			if len(l.HeldBy(holder)) > 0 {
				held = append(held, s)
			}
		})
		return nil
	})
	return held, err
}

// List implements counter.Store.
func (m *Mem) List(ctx context.Context, tenant, name string) (all []counter.Series, err error) {
	err = m.call(ctx, "List", counter.Series{}, func() error {
		for s := range m.ledgers {
			if (tenant == "" || s.Tenant == tenant) && (name == "" || s.Name == name) {
				all = append(all, s)
			}
		}
		sortSeries(all)
		return nil
	})
	return all, err
}

// Restored implements counter.Store.
func (m *Mem) Restored() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.history
}

// CallIn implements counter.Store.
func (m *Mem) CallIn(ctx context.Context, s counter.Series, last int64) error {
	return m.call(ctx, "CallIn", s, func() error {
		m.called = counter.Notice{Series: s, Last: last}
		m.tell(m.called)
		return nil
	})
}

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

// Snapshot returns a copy of all ledgers, for Restore.
func (m *Mem) Snapshot() map[counter.Series]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.ledgers)
}

// Restore puts the ledgers back to a snapshot, as an operator does: what was
// registered since is gone without a word, watches break, and the store knows
// that it is in another history.
func (m *Mem) Restore(ledgers map[counter.Series]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ledgers = maps.Clone(ledgers)
	m.alive = nil
	m.history++
	for w := range m.watches {
		w.broken = true
		w.rouse()
	}
}

// Expire ends a holder's registration as a lease does that ran out: the holder
// learns of it whenever it looks.
func (m *Mem) Expire(holder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.alive[holder]; r != nil {
		delete(m.alive, holder)
		close(r.lost)
		m.tell(counter.Notice{Gone: holder})
	}
}

// Put overwrites the ledger of s with any text; "" removes it. It stands for a
// restore, or for a person with etcdctl.
func (m *Mem) Put(s counter.Series, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(s, text)
}

// Text returns the ledger of s as it is kept.
func (m *Mem) Text(s counter.Series) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledgers[s]
}

// Swaps returns how many swaps reached the store.
func (m *Mem) Swaps() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.swaps
}

func (r *registration) Lost() <-chan struct{} { return r.lost }

func (r *registration) Close(ctx context.Context) error {
	return r.mem.call(ctx, "Close", counter.Series{}, func() error {
		if r.mem.alive[r.name] == r {
			delete(r.mem.alive, r.name)
			r.mem.tell(counter.Notice{Gone: r.name})
		}
		return nil
	})
}

// call runs one call with its fault. A dropped call has no effect and fails;
// when ctx ends during a delay the effect still comes, as it does for a request
// that was sent.
func (m *Mem) call(ctx context.Context, op string, s counter.Series, effect func() error) error {
	var f Fault
	if m.Faults != nil {
		f = m.Faults(op, s)
	}
	if f.Stray > 0 && op == "Swap" {
		time.AfterFunc(f.Stray, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			_ = effect() // nobody is left to be told
		})
		return fmt.Errorf("%s: no reply: %w", op, ErrFault)
	}
	sleep(f.Delay)
	err := ErrFault
	if !f.Drop {
		m.mu.Lock()
		err = effect()
		m.mu.Unlock()
	}
	sleep(f.Late)
	if f.Mute {
		return fmt.Errorf("%s: reply lost: %w", op, ErrFault)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func sleep(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}

func (m *Mem) put(s counter.Series, text string) {
	if m.ledgers == nil {
		m.ledgers = make(map[counter.Series]string)
	}
	if text == "" {
		delete(m.ledgers, s)
		return
	}
	m.ledgers[s] = text
}

// each calls f for every ledger that can be read, in order. m.mu is held.
func (m *Mem) each(f func(counter.Series, counter.Ledger)) {
	all := slices.Collect(maps.Keys(m.ledgers))
	sortSeries(all)
	for _, s := range all {
		var l counter.Ledger
		if json.Unmarshal([]byte(m.ledgers[s]), &l) == nil {
			f(s, l)
		}
	}
}

func sortSeries(all []counter.Series) {
	slices.SortFunc(all, func(a, b counter.Series) int { return strings.Compare(a.String(), b.String()) })
}
