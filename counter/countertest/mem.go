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
	Stray time.Duration // of a Swap or SwapMany: the caller is told of a failure now, the effect comes this much later
}

// ErrFault is what a muted or dropped call returns.
var ErrFault = errors.New("planted fault")

// Mem is a Store in memory, shared by all the holders of a test. The zero Mem is
// empty and without faults.
type Mem struct {
	// Faults, if set, is asked before each call: op is the method's name.
	Faults func(op string, s counter.Series) Fault

	mu       sync.Mutex
	ledgers  map[counter.Series]kept
	alive    map[string]*registration
	swaps    int
	revision int64 // how many changes there were
	history  int64 // how often it was restored
	called   counter.Notice
	watches  map[*watch]bool
}

// kept is a ledger as text, as a real store keeps it, and what that says: a
// simulation loads each value many times. A counter.Ledger is a value, so the very
// one that was swapped in is handed out, to all: whoever changes it shows.
type kept struct {
	text   string
	ledger counter.Ledger
	err    error
}

func keep(text string) kept {
	k := kept{text: text}
	if err := json.Unmarshal([]byte(text), &k.ledger); err != nil {
		k.err = fmt.Errorf("%w: %w", counter.ErrDamaged, err)
	}
	return k
}

type registration struct {
	mem  *Mem
	name string
	lost chan struct{}
}

// Load implements counter.Store.
func (m *Mem) Load(ctx context.Context, s counter.Series) (l counter.Ledger, v counter.Version, err error) {
	err = m.call(ctx, "Load", s, func() error {
		k, ok := m.ledgers[s]
		if !ok {
			return nil
		}
		l, v = k.ledger, counter.Version(k.text)
		return k.err
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
		if m.ledgers[s].text != string(old) {
			return counter.ErrConflict
		}
		m.put(s, kept{text: string(text), ledger: next})
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
		for _, k := range m.ledgers {
			if k.err != nil {
				continue
			}
			for _, b := range k.ledger.Held {
				seen[b.Holder] = true
			}
		}
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

// Text returns the ledger of s as it is kept.
func (m *Mem) Text(s counter.Series) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledgers[s].text
}

// Swaps returns how many swaps reached the store; one of many ledgers is one.
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
	if f.Stray > 0 && swaps(op) {
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

// swaps reports whether op replaces ledgers.
func swaps(op string) bool { return op == "Swap" || op == "SwapMany" }

func sleep(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}

func (m *Mem) put(s counter.Series, k kept) {
	if m.ledgers == nil {
		m.ledgers = make(map[counter.Series]kept)
	}
	m.revision++
	if k.text == "" {
		delete(m.ledgers, s)
		return
	}
	m.ledgers[s] = k
}

// each calls f for every ledger that can be read, in order. m.mu is held.
func (m *Mem) each(f func(counter.Series, counter.Ledger)) {
	all := slices.Collect(maps.Keys(m.ledgers))
	sortSeries(all)
	for _, s := range all {
		if k := m.ledgers[s]; k.err == nil {
			f(s, k.ledger)
		}
	}
}

func sortSeries(all []counter.Series) {
	slices.SortFunc(all, func(a, b counter.Series) int { return strings.Compare(a.String(), b.String()) })
}
