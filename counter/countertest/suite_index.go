package countertest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"folio/counter"
)

func heldIndex(c *caller) {
	one, _ := c.register("pod.1")
	two, _ := c.register("pod.2")
	l, b := c.reserve(one, invoices, 5)
	c.reserve(one, proforma, 5)
	c.reserve(two, proforma, 5)
	c.wantHeld(one, invoices, proforma)
	c.wantHeld(two, proforma)
	c.wantHolding(one, two)

	l, err := l.Release(b, nil, time.Time{})
	if err != nil {
		c.Fatal(err)
	}
	_, v := c.load(invoices)
	c.mustSwap(two, invoices, v, l)
	c.wantHeld(one, proforma)
	c.wantHolding(one, two)
}

// promptIndex looks from beside: as soon as a ledger names a holder, held-by does.
func promptIndex(c *caller) {
	pod, _ := c.register("pod.1")
	var late []counter.Series
	var looking sync.WaitGroup
	var over atomic.Bool // a test that fails in the middle looks no more
	defer looking.Wait()
	defer over.Store(true)
	for i := range 5 {
		s := counter.Series{Tenant: "acme", Name: "s" + strconv.Itoa(i)}
		looking.Go(func() {
			for end := time.Now().Add(knownWithin); !over.Load() && time.Now().Before(end); {
				if l, _, err := c.tryLoad(s); err != nil || len(l.HeldBy(pod)) > 0 {
					break
				}
			}
			var held []counter.Series
			err := c.until(func(ctx context.Context) (err error) {
				held, err = c.store.HeldBy(ctx, pod)
				return err
			})
			if err != nil || !slices.Contains(held, s) {
				late = append(late, s) // read after this goroutine has ended
			}
		})
		c.reserve(pod, s, 3)
		looking.Wait()
	}
	if late != nil {
		c.Fatalf("the ledgers of %v named %s when held-by did not", late, pod)
	}
}

func refusedIndex(c *caller) {
	one, _ := c.register("pod.1")
	two, reg := c.register("pod.2")
	l, b := c.reserve(one, invoices, 5)
	without, err := l.Release(b, nil, time.Time{})
	if err != nil {
		c.Fatal(err)
	}
	if err := c.swap(two, invoices, "", without); !errors.Is(err, counter.ErrConflict) {
		c.Fatalf("got %v, want ErrConflict", err)
	}
	c.wantHeld(one, invoices)

	c.close(reg)
	_, v := c.load(invoices)
	with, _, err := l.Reserve(counter.Want{Holder: two, Count: 3})
	if err != nil {
		c.Fatal(err)
	}
	if err := c.swap(two, invoices, v, with); !errors.Is(err, counter.ErrLost) {
		c.Fatalf("got %v, want ErrLost", err)
	}
	c.wantHeld(two)
	c.wantHolding(one)
}

func prefixNames(c *caller) {
	short, _ := c.register("pod.1")
	long, _ := c.register(short + "2")
	c.reserve(short, invoices, 5)
	c.reserve(long, proforma, 5)
	c.wantHeld(short, invoices)
	c.wantHeld(long, proforma)
	c.wantHeld("pod")
	c.wantHolding(short, long)
}

func list(c *caller) {
	pod, _ := c.register("pod.1")
	all := []counter.Series{
		{Tenant: "acme", Name: "invoice", Period: "2025"},
		{Tenant: "acme", Name: "invoice", Period: "2026"},
		{Tenant: "acme", Name: "proforma"},
		{Tenant: "bolt", Name: "invoice", Period: "2026"},
	}
	for _, s := range all {
		c.reserve(pod, s, 1)
	}
	c.wantList("", "", all...)
	c.wantList("acme", "", all[:3]...)
	c.wantList("acme", "invoice", all[:2]...)
	c.wantList("ghost", "")
}

func (c *caller) wantList(tenant, name string, want ...counter.Series) {
	c.Helper()
	var got []counter.Series
	c.must("list", func(ctx context.Context) (err error) {
		got, err = c.store.List(ctx, tenant, name)
		return err
	})
	if sortSeries(got); !slices.Equal(got, want) {
		c.Fatalf("list %q %q: %v, want %v", tenant, name, got, want)
	}
}

func prefixSeries(c *caller) {
	pod, _ := c.register("pod.1")
	short := counter.Series{Tenant: "acme", Name: "in"}
	long := counter.Series{Tenant: "acme-2", Name: "in-2"}
	c.reserve(pod, short, 3)
	c.reserve(pod, long, 7)
	c.wantList("acme", "in", short)
	if l, _ := c.load(short); l.Mark != 3 {
		c.Fatalf("mark %d; want 3", l.Mark)
	}
}
