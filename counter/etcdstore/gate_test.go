package etcdstore_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/etcdstore"
)

// gate is a clientv3.KV whose calls wait while it is shut. It counts them.
type gate struct {
	clientv3.KV
	refuse func(ops int) error // nil: nothing is refused
	swaps  atomic.Int64        // that shared a call
	loads  atomic.Int64        // that shared a call

	mu    sync.Mutex    // guards what follows
	shut  chan struct{} // nil: open
	calls []int         // how many operations each had
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.calls = make(chan struct{}), nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}

// seen returns how many operations each call had.
func (g *gate) seen() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// pass counts a call and waits until it may go on.
func (g *gate) pass(ctx context.Context, ops int) error {
	g.mu.Lock()
	g.calls = append(g.calls, ops)
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if g.refuse != nil {
		return g.refuse(ops)
	}
	return nil
}

func (g *gate) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if err := g.pass(ctx, 1); err != nil {
		return nil, err
	}
	return g.KV.Get(ctx, key, opts...)
}

func (g *gate) Txn(ctx context.Context) clientv3.Txn {
	return &gateTxn{Txn: g.KV.Txn(ctx), ctx: ctx, gate: g}
}

type gateTxn struct {
	clientv3.Txn
	ctx  context.Context
	gate *gate
	ops  int
}

func (x *gateTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	x.Txn = x.Txn.If(cs...)
	return x
}

func (x *gateTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	x.Txn, x.ops = x.Txn.Then(ops...), len(ops)
	switch {
	case len(ops) < 2:
	case ops[0].IsTxn():
		x.gate.swaps.Add(int64(len(ops)))
	case ops[0].IsGet():
		x.gate.loads.Add(int64(len(ops)))
	}
	return x
}

func (x *gateTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	x.Txn = x.Txn.Else(ops...)
	return x
}

func (x *gateTxn) Commit() (*clientv3.TxnResponse, error) {
	if err := x.gate.pass(x.ctx, x.ops); err != nil {
		return nil, err
	}
	return x.Txn.Commit()
}

// gated is a store behind a gate. It makes one call of a kind at a time.
type gated struct {
	*etcdstore.Store
	gate *gate
}

func behindGate(s *etcdstore.Store) *gated {
	s.Share(1, time.Hour)
	g := &gate{KV: s.Client.KV}
	s.Client.KV = g
	return &gated{s, g}
}

// round is calls that wait for one another while a first one is under way.
type round struct {
	*gated
	making sync.WaitGroup
}

func (g *gated) begin(t *testing.T, first func()) *round {
	t.Helper()
	r := &round{gated: g}
	g.gate.close()
	r.making.Go(first)
	await(timeout(t), t, "the first call is under way", func() bool { return len(g.gate.seen()) == 1 })
	return r
}

// join makes a call that waits.
func (r *round) join(t *testing.T, call func()) {
	t.Helper()
	before := r.Waiting()
	r.making.Go(call)
	await(timeout(t), t, "the call waits", func() bool { return r.Waiting() == before+1 })
}

// end lets all go on. It returns how many operations each call of etcd had but the first.
func (r *round) end() []int {
	r.gate.open()
	r.making.Wait()
	return r.gate.seen()[1:]
}

// share makes calls that wait while first, which is of their kind, is under way.
func (g *gated) share(t *testing.T, first func(), calls ...func()) []int {
	t.Helper()
	r := g.begin(t, first)
	for _, call := range calls {
		r.join(t, call)
	}
	return r.end()
}

// register makes a holder that is registered until the test ends.
func (g *gated) register(t *testing.T, id int) string {
	t.Helper()
	c := &client{id: id, store: g}
	c.register(timeout(t), t)
	return c.holder()
}

// swapping is a swap of the first block of a series, and what came of it.
type swapping struct {
	holder   string
	series   counter.Series
	old      counter.Version
	next     counter.Ledger
	revision int64
	err      error
}

// first makes a swap of the first block of a series.
func first(t *testing.T, holder string, series counter.Series) *swapping {
	t.Helper()
	next, _, err := counter.Ledger{}.Reserve(counter.Want{Holder: holder, Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	return &swapping{holder: holder, series: series, next: next}
}

func (w *swapping) send(s counter.RevisionTeller) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.revision, w.err = s.SwapAt(ctx, w.holder, w.series, w.old, w.next)
}

// beginSwaps begins a round of swaps.
func (g *gated) beginSwaps(t *testing.T, holder string) *round {
	t.Helper()
	plug := first(t, holder, counter.Series{Tenant: "plug", Name: "n" + space()})
	return g.begin(t, func() {
		if plug.send(g); plug.err != nil {
			t.Errorf("the swap before: %v", plug.err)
		}
	})
}

// shareSwaps makes swaps that share transactions.
func (g *gated) shareSwaps(t *testing.T, holder string, all ...*swapping) []int {
	t.Helper()
	r := g.beginSwaps(t, holder)
	for _, w := range all {
		r.join(t, func() { w.send(g) })
	}
	return r.end()
}
