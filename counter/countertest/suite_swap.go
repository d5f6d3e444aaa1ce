package countertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"folio/counter"
)

var (
	invoices = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}
	proforma = counter.Series{Tenant: "acme", Name: "proforma"}
)

func zeroLedger(c *caller) {
	if l, v := c.load(invoices); v != "" || !l.Equal(counter.Ledger{}) {
		c.Fatalf("got %+v, version %q; want nothing", l, v)
	}
}

func swapThenLoad(c *caller) {
	pod, _ := c.register("pod.1")
	want, b := c.reserve(pod, invoices, 10)
	want, err := want.Release(b, []counter.Range{{First: 3, Last: 4}, {First: 9, Last: 10}}, time.Now().UTC())
	if err != nil {
		c.Fatal(err)
	}
	_, v := c.load(invoices)
	c.mustSwap(pod, invoices, v, want)
	got, v2 := c.load(invoices)
	if !got.Equal(want) {
		c.Fatalf("got %+v; want %+v", got, want)
	}
	if v2 == v || v2 == "" {
		c.Fatalf("the version did not change with the value: %q", v2)
	}
}

func staleSwap(c *caller) {
	pod, _ := c.register("pod.1")
	want, _ := c.reserve(pod, invoices, 1)
	err := c.swap(pod, invoices, "", counter.Ledger{Mark: 99})
	if !errors.Is(err, counter.ErrConflict) {
		c.Fatalf("got %v, want ErrConflict", err)
	}
	if got, _ := c.load(invoices); !got.Equal(want) {
		c.Fatalf("the ledger changed to %+v", got)
	}
}

func unregisteredSwap(c *caller) {
	err := c.swap("nobody.1", invoices, "", counter.Ledger{Mark: 1})
	if !errors.Is(err, counter.ErrLost) {
		c.Fatalf("got %v, want ErrLost", err)
	}
	if _, v := c.load(invoices); v != "" {
		c.Fatal("the ledger was written all the same")
	}
}

func closedRegistration(c *caller) {
	pod, reg := c.register("pod.1")
	l, _ := c.reserve(pod, invoices, 1)
	c.close(reg)
	_, v := c.load(invoices)
	l.Mark++
	if err := c.swap(pod, invoices, v, l); !errors.Is(err, counter.ErrLost) {
		c.Fatalf("got %v, want ErrLost", err)
	}
	var alive []string
	c.must("alive", func(ctx context.Context) (err error) {
		alive, err = c.store.Alive(ctx)
		return err
	})
	if slices.Contains(alive, pod) {
		c.Fatalf("alive: %v; want without %s", alive, pod)
	}
}

func racingSwaps(c *caller) {
	pod, _ := c.register("pod.1")
	c.reserve(pod, invoices, 1)
	l, v := c.load(invoices)
	const racers = 8
	results := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			next := l
			next.Mark += int64(i) + 1
			results[i] = c.swap(pod, invoices, v, next)
		})
	}
	wg.Wait()
	c.wantOneWon(results)
}

func cancelled(c *caller) {
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if _, _, err := c.store.Load(ctx, invoices); err == nil {
		c.Error("load: no error")
	}
	if err := c.store.Swap(ctx, "pod.1", invoices, "", counter.Ledger{Mark: 1}); err == nil {
		c.Error("swap: no error")
	}
}

func oddVersion(c *caller) {
	pod, _ := c.register("pod.1")
	c.reserve(pod, invoices, 1)
	err := c.swap(pod, invoices, "not a version", counter.Ledger{Mark: 2})
	if !errors.Is(err, counter.ErrConflict) {
		c.Fatalf("got %v, want ErrConflict", err)
	}
}

func firstNumber(c *caller) {
	pod, _ := c.register("pod.1")
	want, err := counter.Ledger{}.Begin(1001)
	if err != nil {
		c.Fatal(err)
	}
	c.mustSwap(pod, invoices, "", want)
	if got, _ := c.load(invoices); !got.Equal(want) {
		c.Fatalf("got %+v; want %+v", got, want)
	}
}

// bulkLoad holds for stores that can.
func bulkLoad(c *caller) {
	bulk, ok := c.store.(counter.BulkLoader)
	if !ok {
		c.Log("this store loads one ledger at a time")
		return
	}
	pod, _ := c.register("pod.1")
	want, _ := c.reserve(pod, invoices, 7)
	never := counter.Series{Tenant: "nobody", Name: "x"}
	var got []counter.Loaded
	c.must("load two", func(ctx context.Context) (err error) {
		got, err = bulk.LoadMany(ctx, []counter.Series{never, invoices})
		return err
	})
	_, v := c.load(invoices)
	if len(got) != 2 || got[0].Version != "" || got[0].Err != nil ||
		!got[1].Ledger.Equal(want) || got[1].Version != v || got[1].Err != nil {
		c.Fatalf("got %+v; want nothing, and %+v", got, want)
	}
}
