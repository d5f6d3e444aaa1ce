package countertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"folio/counter"
)

// TestStore proves that a store keeps the contract of counter.Store. open
// returns an empty store, or a part of one that nobody else uses; it is called
// once for each property.
func TestStore(t *testing.T, open func(t *testing.T) counter.Store) {
	for name, property := range map[string]func(t *testing.T, s counter.Store){
		"a series never used has the zero ledger":                zeroLedger,
		"what was swapped in is loaded":                          swapThenLoad,
		"a swap against an old value is a conflict":              staleSwap,
		"a swap by an unregistered holder is lost":               unregisteredSwap,
		"a closed registration cannot swap any more":             closedRegistration,
		"of racing swaps exactly one wins":                       racingSwaps,
		"holding and held-by follow the ledgers":                 heldIndex,
		"a holder with another's name as beginning is apart":     prefixNames,
		"a watch tells of holders that are gone":                 watchGone,
		"a watch tells of what is called in":                     watchCalled,
		"many ledgers are loaded as each is":                     bulkLoad,
		"the first number of a series is kept":                   firstNumber,
		"list narrows by tenant and name":                        list,
		"series whose names begin alike are apart":               prefixSeries,
		"a cancelled call says so":                               cancelled,
		"a swap of unknown version text conflicts, never panics": oddVersion,
	} {
		t.Run(name, func(t *testing.T) { property(t, open(t)) })
	}
}

func ctxOf(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func register(t *testing.T, s counter.Store, name string) counter.Registration {
	t.Helper()
	reg, err := s.Register(ctxOf(t), counter.Holder{Name: name, Pod: "pod", Started: time.Now().UTC()})
	if err != nil {
		t.Fatalf("register %s: %v", name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = reg.Close(ctx) // closed by the test already, in some
	})
	return reg
}

// reserve makes one reservation and returns the ledger as it is then stored.
func reserve(t *testing.T, s counter.Store, holder string, series counter.Series, n int64) (counter.Ledger, counter.Block) {
	t.Helper()
	ctx := ctxOf(t)
	old, v, err := s.Load(ctx, series)
	if err != nil {
		t.Fatal(err)
	}
	next, b, err := old.Reserve(counter.Want{Holder: holder, Era: "0.1.7", Count: n, At: time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(ctx, holder, series, v, next); err != nil {
		t.Fatalf("swap: %v", err)
	}
	return next, b
}

var invoices = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

func zeroLedger(t *testing.T, s counter.Store) {
	l, v, err := s.Load(ctxOf(t), invoices)
	if err != nil || v != "" || !l.Equal(counter.Ledger{}) {
		t.Fatalf("got %+v, version %q, error %v; want nothing", l, v, err)
	}
}

func swapThenLoad(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	want, b := reserve(t, s, "pod.1", invoices, 10)
	want, err := want.Release(b, []counter.Range{{First: 3, Last: 4}, {First: 9, Last: 10}}, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	_, v, err := s.Load(ctxOf(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(ctxOf(t), "pod.1", invoices, v, want); err != nil {
		t.Fatal(err)
	}
	got, v2, err := s.Load(ctxOf(t), invoices)
	if err != nil || !got.Equal(want) {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
	if v2 == v || v2 == "" {
		t.Fatalf("the version did not change with the value: %q", v2)
	}
}

func staleSwap(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	want, _ := reserve(t, s, "pod.1", invoices, 1)
	err := s.Swap(ctxOf(t), "pod.1", invoices, "", counter.Ledger{Mark: 99})
	if !errors.Is(err, counter.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	if got, _, _ := s.Load(ctxOf(t), invoices); !got.Equal(want) {
		t.Fatalf("the ledger changed to %+v", got)
	}
}

func unregisteredSwap(t *testing.T, s counter.Store) {
	err := s.Swap(ctxOf(t), "nobody.1", invoices, "", counter.Ledger{Mark: 1})
	if !errors.Is(err, counter.ErrLost) {
		t.Fatalf("got %v, want ErrLost", err)
	}
	if _, v, _ := s.Load(ctxOf(t), invoices); v != "" {
		t.Fatal("the ledger was written all the same")
	}
}

func closedRegistration(t *testing.T, s counter.Store) {
	reg := register(t, s, "pod.1")
	l, _ := reserve(t, s, "pod.1", invoices, 1)
	if err := reg.Close(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	_, v, err := s.Load(ctxOf(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	l.Mark++
	if err := s.Swap(ctxOf(t), "pod.1", invoices, v, l); !errors.Is(err, counter.ErrLost) {
		t.Fatalf("got %v, want ErrLost", err)
	}
	alive, err := s.Alive(ctxOf(t))
	if err != nil || slices.Contains(alive, "pod.1") {
		t.Fatalf("alive: %v, %v; want without pod.1", alive, err)
	}
}

func racingSwaps(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	reserve(t, s, "pod.1", invoices, 1)
	l, v, err := s.Load(ctxOf(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	const racers = 8
	results := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			next := l
			next.Mark += int64(i) + 1
			results[i] = s.Swap(ctxOf(t), "pod.1", invoices, v, next)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, counter.ErrConflict):
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	if won != 1 {
		t.Fatalf("%d swaps won, want 1", won)
	}
}

func heldIndex(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	register(t, s, "pod.2")
	other := counter.Series{Tenant: "acme", Name: "proforma"}
	l, b := reserve(t, s, "pod.1", invoices, 5)
	reserve(t, s, "pod.1", other, 5)
	reserve(t, s, "pod.2", other, 5)
	wantHeld(t, s, "pod.1", invoices, other)
	wantHeld(t, s, "pod.2", other)
	wantHolding(t, s, "pod.1", "pod.2")

	l, err := l.Release(b, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, v, err := s.Load(ctxOf(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(ctxOf(t), "pod.2", invoices, v, l); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, s, "pod.1", other)
	wantHolding(t, s, "pod.1", "pod.2")
}

func wantHeld(t *testing.T, s counter.Store, holder string, want ...counter.Series) {
	t.Helper()
	got, err := s.HeldBy(ctxOf(t), holder)
	if err != nil {
		t.Fatal(err)
	}
	sortSeries(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s holds %v, want %v", holder, got, want)
	}
}

func wantHolding(t *testing.T, s counter.Store, want ...string) {
	t.Helper()
	got, err := s.Holding(ctxOf(t))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Fatalf("holding: %v, want %v", got, want)
	}
}

func prefixNames(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	register(t, s, "pod.12")
	other := counter.Series{Tenant: "acme", Name: "proforma"}
	reserve(t, s, "pod.1", invoices, 5)
	reserve(t, s, "pod.12", other, 5)
	wantHeld(t, s, "pod.1", invoices)
	wantHeld(t, s, "pod.12", other)
	wantHeld(t, s, "pod")
	wantHolding(t, s, "pod.1", "pod.12")
}

func list(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	all := []counter.Series{
		{Tenant: "acme", Name: "invoice", Period: "2025"},
		{Tenant: "acme", Name: "invoice", Period: "2026"},
		{Tenant: "acme", Name: "proforma"},
		{Tenant: "bolt", Name: "invoice", Period: "2026"},
	}
	for _, series := range all {
		reserve(t, s, "pod.1", series, 1)
	}
	wantList(t, s, "", "", all...)
	wantList(t, s, "acme", "", all[:3]...)
	wantList(t, s, "acme", "invoice", all[:2]...)
	wantList(t, s, "ghost", "")
}

func wantList(t *testing.T, s counter.Store, tenant, name string, want ...counter.Series) {
	t.Helper()
	got, err := s.List(ctxOf(t), tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	if sortSeries(got); !slices.Equal(got, want) {
		t.Fatalf("list %q %q: %v, want %v", tenant, name, got, want)
	}
}

func prefixSeries(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	short := counter.Series{Tenant: "acme", Name: "in"}
	long := counter.Series{Tenant: "acme-2", Name: "in-2"}
	reserve(t, s, "pod.1", short, 3)
	reserve(t, s, "pod.1", long, 7)
	wantList(t, s, "acme", "in", short)
	if l, _, err := s.Load(ctxOf(t), short); err != nil || l.Mark != 3 {
		t.Fatalf("mark %d, %v; want 3", l.Mark, err)
	}
}

func cancelled(t *testing.T, s counter.Store) {
	ctx, cancel := context.WithCancel(ctxOf(t))
	cancel()
	if _, _, err := s.Load(ctx, invoices); err == nil {
		t.Error("load: no error")
	}
	err := s.Swap(ctx, "pod.1", invoices, "", counter.Ledger{Mark: 1})
	if err == nil {
		t.Error("swap: no error")
	}
}

func oddVersion(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	reserve(t, s, "pod.1", invoices, 1)
	err := s.Swap(ctxOf(t), "pod.1", invoices, "not a version", counter.Ledger{Mark: 2})
	if !errors.Is(err, counter.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
}

func firstNumber(t *testing.T, s counter.Store) {
	register(t, s, "pod.1")
	want, err := counter.Ledger{}.Begin(1001)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(ctxOf(t), "pod.1", invoices, "", want); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Load(ctxOf(t), invoices); err != nil || !got.Equal(want) {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

// bulkLoad holds for stores that can.
func bulkLoad(t *testing.T, s counter.Store) {
	bulk, ok := s.(counter.BulkLoader)
	if !ok {
		return
	}
	register(t, s, "pod.1")
	want, _ := reserve(t, s, "pod.1", invoices, 7)
	never := counter.Series{Tenant: "nobody", Name: "x"}
	got, err := bulk.LoadMany(ctxOf(t), []counter.Series{never, invoices})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	_, v, err := s.Load(ctxOf(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Version != "" || got[0].Err != nil || !got[1].Ledger.Equal(want) || got[1].Version != v || got[1].Err != nil {
		t.Fatalf("got %+v; want nothing, and %+v", got, want)
	}
}
