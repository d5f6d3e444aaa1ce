package countertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/counter"
	"folio/counter/countertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seeds is how often each property is shown through losses.
const seeds = 5

func TestMemKeepsTheContract(t *testing.T) {
	countertest.TestStore(t, func(testing.TB) counter.Store { return &countertest.Mem{} })
}

func TestMemThatIsSlowKeepsTheContract(t *testing.T) {
	slow := func(string, counter.Series) countertest.Fault {
		return countertest.Fault{Delay: time.Millisecond, Late: time.Millisecond}
	}
	countertest.TestStore(t, func(testing.TB) counter.Store { return &countertest.Mem{Faults: slow} })
}

func TestMemKeepsTheContractThroughLosses(t *testing.T) {
	countertest.TestStoreThroughLosses(t, seeds, lossy)
}

func lossy(_ testing.TB, seed uint64) counter.Store {
	return &countertest.Mem{Faults: (&countertest.Network{Seed: seed}).Fault}
}

func TestARunInWhichOneOfTheTwoLossesNeverCameAboutIsVoid(t *testing.T) {
	for name, keep := range map[string]countertest.Fault{
		"nothing is lost":        {},
		"only requests are lost": {Drop: true},
		"only replies are lost":  {Mute: true},
	} {
		t.Run(name, func(t *testing.T) {
			err := countertest.Objection(t, 1, func(_ testing.TB, seed uint64) counter.Store {
				network := &countertest.Network{Seed: seed}
				return &countertest.Mem{Faults: func(op string, s counter.Series) countertest.Fault {
					f := network.Fault(op, s)
					return countertest.Fault{Drop: f.Drop && keep.Drop, Mute: f.Mute && keep.Mute}
				}}
			})
			if err == nil || !strings.Contains(err.Error(), "shows nothing") {
				t.Fatalf("got %v, want that it shows nothing", err)
			}
		})
	}
}

func TestAnUnknownOutcomeIsAFaultOnANetworkThatLosesNothing(t *testing.T) {
	never := func(error) error { return countertest.ErrFault }
	err := countertest.Objection(t, 0, func(testing.TB, uint64) counter.Store {
		return &mutant{Store: &countertest.Mem{}, told: never}
	})
	if err == nil || !strings.Contains(err.Error(), "not a known outcome") {
		t.Fatalf("of a store that never knows anything the suite says %v", err)
	}
}

func TestTheSuiteHasNoObjectionToASoundStore(t *testing.T) {
	for _, seeds := range []uint64{0, 3} {
		if err := countertest.Objection(t, seeds, lossy); err != nil {
			t.Errorf("with %d seeds: %v", seeds, err)
		}
	}
}

// mutant is a Store with a fault in how it swaps, or in what it says of it.
type mutant struct {
	counter.Store
	swap  func(*mutant, context.Context, string, counter.Series, counter.Version, counter.Ledger) error
	told  func(error) error
	stale bool // each ledger is read twice from memory, then once from the store
	index bool // held-by is kept in a second step

	mu   sync.Mutex
	read map[counter.Series]counter.Loaded
	age  map[counter.Series]int
	held map[string]map[counter.Series]bool
}

func (m *mutant) Swap(ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
	swap := m.Store.Swap
	if m.swap != nil {
		swap = func(ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
			return m.swap(m, ctx, holder, s, old, next)
		}
	}
	err := swap(ctx, holder, s, old, next)
	if m.told != nil {
		err = m.told(err)
	}
	if err == nil {
		m.keepIndex(s, next)
	}
	return err
}

func (m *mutant) keepIndex(s counter.Series, l counter.Ledger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		m.held = make(map[string]map[counter.Series]bool)
	}
	for _, series := range m.held {
		delete(series, s)
	}
	for _, b := range l.Held {
		if m.held[b.Holder] == nil {
			m.held[b.Holder] = make(map[counter.Series]bool)
		}
		m.held[b.Holder][s] = true
	}
}

func (m *mutant) HeldBy(ctx context.Context, holder string) ([]counter.Series, error) {
	if !m.index {
		return m.Store.HeldBy(ctx, holder)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.held[holder])), nil
}

func (m *mutant) Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stale && m.age[s] > 0 {
		m.age[s]--
		return m.read[s].Ledger, m.read[s].Version, nil
	}
	l, v, err := m.Store.Load(ctx, s)
	if err == nil {
		if m.read == nil {
			m.read, m.age = make(map[counter.Series]counter.Loaded), make(map[counter.Series]int)
		}
		m.read[s], m.age[s] = counter.Loaded{Ledger: l, Version: v}, 2
	}
	return l, v, err
}

func unknown(err error) bool {
	return err != nil && !errors.Is(err, counter.ErrConflict) && !errors.Is(err, counter.ErrLost)
}

// as tells every outcome that is not known as what.
func as(what error) func(*mutant) {
	return func(m *mutant) {
		m.told = func(err error) error {
			if unknown(err) {
				return what
			}
			return err
		}
	}
}

// retrying believes the answer to the repeat of what may have been applied.
func retrying(m *mutant, ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
	err := m.Store.Swap(ctx, holder, s, old, next)
	if unknown(err) {
		err = m.Store.Swap(ctx, holder, s, old, next)
	}
	return err
}

// blind replaces whatever is there.
func blind(m *mutant, ctx context.Context, holder string, s counter.Series, _ counter.Version, next counter.Ledger) error {
	_, v, err := m.Store.Load(ctx, s)
	if err != nil {
		return err
	}
	return m.Store.Swap(ctx, holder, s, v, next)
}

// anybody swaps for holders that are not registered.
func anybody(m *mutant, ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) error {
	err := m.Store.Swap(ctx, holder, s, old, next)
	if !errors.Is(err, counter.ErrLost) {
		return err
	}
	name := fmt.Sprintf("anybody.%d", time.Now().UnixNano())
	if _, err := m.Register(ctx, counter.Holder{Name: name}); err != nil {
		return err
	}
	return m.Store.Swap(ctx, name, s, old, next)
}

func TestTheSuiteObjectsToAStoreThatBreaksTheContract(t *testing.T) {
	for name, is := range map[string]struct {
		change func(*mutant)
		want   string // part of the objection
	}{
		"a swap whose reply is lost is told as a conflict": {as(counter.ErrConflict),
			`told "the ledger has changed"`},
		"a swap whose reply is lost is told as a loss": {as(counter.ErrLost),
			"the holder is no longer registered"},
		"a swap whose reply is lost is told as done": {as(nil),
			"told that the ledger was replaced, it is"},
		"a lost swap is sent again and the repeat is believed": {func(m *mutant) { m.swap = retrying },
			`told "the ledger has changed", but the ledger was replaced`},
		"the index is kept in a second step": {func(m *mutant) { m.index = true }, "held-by"},
		"the value is not compared":          {func(m *mutant) { m.swap = blind }, "want ErrConflict"},
		"the holder need not be registered":  {func(m *mutant) { m.swap = anybody }, "want ErrLost"},
		"ledgers are read from memory":       {func(m *mutant) { m.stale = true }, "told "},
	} {
		t.Run(name, func(t *testing.T) {
			err := countertest.Objection(t, seeds, func(t testing.TB, seed uint64) counter.Store {
				m := &mutant{Store: lossy(t, seed)}
				is.change(m)
				return m
			})
			if err == nil || !strings.Contains(err.Error(), is.want) {
				t.Fatalf("the suite says %v; want %s", err, is.want)
			}
			t.Log(err)
		})
	}
}
