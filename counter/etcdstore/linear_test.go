package etcdstore_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
)

// crowd is several clients that work on the same few series, each through a
// connection and a network of its own.
type crowd struct {
	clients  []*client
	networks []*unreliable
	history  history
	calls    atomic.Int64
	series   []counter.Series
}

func gather(t *testing.T, size int, open func() *unreliableStore) *crowd {
	t.Helper()
	c := &crowd{series: []counter.Series{
		{Tenant: "acme", Name: "invoice", Period: "2026"},
		{Tenant: "acme", Name: "proforma"},
		{Tenant: "bolt", Name: "invoice", Period: "2026-11"},
	}}
	for id := range size {
		s := open()
		one := &client{id: id, store: s, history: &c.history, calls: &c.calls}
		one.register(timeout(t), t)
		c.clients, c.networks = append(c.clients, one), append(c.networks, s.network)
	}
	for _, network := range c.networks {
		network.bad.Store(true)
	}
	return c
}

// work lets all clients work while f runs, and waits for them and for all that
// is still on its way. Then the network is good and every ledger is read.
func (c *crowd) work(t *testing.T, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	for _, one := range c.clients {
		working.Go(func() {
			if err := one.work(ctx, c.series); err != nil {
				t.Errorf("client %d: %v", one.id, err)
			}
		})
	}
	f()
	cancel()
	working.Wait()
	for _, n := range c.networks {
		n.strays.Wait()
		n.bad.Store(false)
	}
	for _, s := range c.series {
		await(timeout(t), t, "the last read", func() bool {
			_, _, err := c.clients[0].load(s)
			return err == nil
		})
	}
}

func (c *crowd) lost() (n int64) {
	for _, network := range c.networks {
		n += network.lost()
	}
	return n
}

// TestCallsThatAreSharedAreLinearizable has clients that share stores, and so calls of
// etcd, on a network that loses three in ten.
func TestCallsThatAreSharedAreLinearizable(t *testing.T) {
	cluster := startEtcd(t, 3)
	space := space()
	var stores []*unreliableStore
	var gates []*gate
	for range 2 {
		s := openUnreliable(t, cluster.Endpoints(), space, often)
		gates = append(gates, behindGate(s.Store).gate)
		s.Share(1, 0)
		stores = append(stores, s)
	}
	opened := 0
	c := gather(t, 16, func() *unreliableStore {
		opened++
		return stores[opened%len(stores)]
	})
	for i := range 5 {
		c.series = append(c.series, numbered(i))
	}
	a := &adversary{cluster: cluster, progress: c.calls.Load, step: 200}
	c.work(t, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		a.kill(ctx, t)
		a.pause(ctx, t)
	})
	if err := c.history.check(20 * time.Second); err != nil {
		t.Error(err)
	}
	h := &c.history
	effective, unseen := h.unknowns()
	swaps, loads := int64(0), int64(0)
	for _, g := range gates {
		swaps, loads = swaps+g.swaps.Load(), loads+g.loads.Load()
	}
	t.Logf("%d loads, %d swaps done, %d conflicts, %d unknown outcomes (%d took effect, %d were never seen); %d swaps and %d loads shared a call",
		h.count(load, done), h.count(swap, done), h.count(swap, conflict), h.count(swap, unknown), effective, unseen, swaps, loads)
	if effective == 0 || unseen == 0 || h.count(swap, conflict) == 0 || swaps < 100 || loads < 100 {
		t.Error("a rare state never came about: this run shows nothing")
	}
	wantIndexLikeLedgers(t, c)
}

func TestReservationsAreLinearizableThroughDeadLeadersAndLostReplies(t *testing.T) {
	cluster := startEtcd(t, 3)
	space := space()
	c := gather(t, 6, func() *unreliableStore { return openUnreliable(t, cluster.Endpoints(), space, often) })
	a := &adversary{cluster: cluster, progress: c.calls.Load, step: 40}
	begun := time.Now()
	c.work(t, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		a.kill(ctx, t)
		a.pause(ctx, t)
		a.kill(ctx, t)
		a.kill(ctx, t)
	})
	worked := time.Since(begun)
	begun = time.Now()
	if err := c.history.check(20 * time.Second); err != nil {
		t.Error(err)
	}
	h := &c.history
	effective, unseen := h.unknowns()
	t.Logf("%d loads, %d swaps done, %d conflicts, %d unknown outcomes (%d made by the network; %d took effect, %d were never seen); "+
		"leader killed %d times, paused %d times; worked %s, checked in %s",
		h.count(load, done), h.count(swap, done), h.count(swap, conflict), h.count(swap, unknown), c.lost(), effective, unseen,
		a.kills, a.pauses, worked.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
	if a.kills == 0 || effective == 0 || unseen == 0 || h.count(swap, conflict) == 0 {
		t.Error("a rare state never came about: this run shows nothing")
	}
	wantIndexLikeLedgers(t, c)
}

// wantIndexLikeLedgers checks that who holds what by the index is who holds it
// by the ledgers: they are written together or not at all.
func wantIndexLikeLedgers(t *testing.T, c *crowd) {
	t.Helper()
	for _, one := range c.clients {
		var want []counter.Series
		for _, s := range c.series {
			l, _, err := one.store.Load(timeout(t), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(l.HeldBy(one.holder())) > 0 {
				want = append(want, s)
			}
		}
		if got, err := one.store.HeldBy(timeout(t), one.holder()); err != nil || !slices.Equal(got, want) {
			t.Errorf("by the index %s holds %v, %v; by the ledgers %v", one.holder(), got, err, want)
		}
	}
}
