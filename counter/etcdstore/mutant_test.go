package etcdstore_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// mutant is a clientv3.KV with a fault that a store might have.
type mutant struct {
	clientv3.KV
	compare func([]clientv3.Cmp) []clientv3.Cmp
	shared  func([]clientv3.Cmp) []clientv3.Cmp // of swaps that share a transaction
	commit  func(send send) (*clientv3.TxnResponse, error)
	stale   bool // reads are answered from memory now and then
	apart   bool // the index is written in a transaction of its own

	mu   sync.Mutex
	read map[string]*clientv3.GetResponse
}

type send func() (*clientv3.TxnResponse, error)

func (m *mutant) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	m.mu.Lock()
	known := m.read[key]
	m.mu.Unlock()
	if m.stale && known != nil && rand.IntN(2) == 0 {
		return known, nil
	}
	got, err := m.KV.Get(ctx, key, opts...)
	if err == nil {
		m.mu.Lock()
		if m.read == nil {
			m.read = make(map[string]*clientv3.GetResponse)
		}
		m.read[key] = got
		m.mu.Unlock()
	}
	return got, err
}

func (m *mutant) Txn(ctx context.Context) clientv3.Txn { return &mutantTxn{m: m, ctx: ctx} }

// mutantTxn remembers what it is to do, so that it can be sent twice.
type mutantTxn struct {
	m         *mutant
	ctx       context.Context
	cmps      []clientv3.Cmp
	then, els []clientv3.Op
}

func (x *mutantTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	x.cmps = cs
	return x
}

func (x *mutantTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	x.then = ops
	return x
}

func (x *mutantTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	x.els = ops
	return x
}

func (x *mutantTxn) Commit() (*clientv3.TxnResponse, error) {
	cmps := x.cmps
	if x.m.compare != nil {
		cmps = x.m.compare(cmps)
	}
	then := x.then
	if x.m.shared != nil && then[0].IsTxn() {
		then = within(then, x.m.shared)
	}
	send := func() (*clientv3.TxnResponse, error) {
		return x.m.KV.Txn(x.ctx).If(cmps...).Then(then...).Else(x.els...).Commit()
	}
	if x.m.apart && len(x.cmps) > 1 && len(x.then) > 1 {
		return x.commitApart()
	}
	if x.m.commit != nil {
		return x.m.commit(send)
	}
	return send()
}

// commitApart writes the ledger, and then the index.
func (x *mutantTxn) commitApart() (*clientv3.TxnResponse, error) {
	done, err := x.m.KV.Txn(x.ctx).If(x.cmps...).Then(x.then[0]).Else(x.els...).Commit()
	if err != nil || !done.Succeeded {
		return done, err
	}
	return x.m.KV.Txn(x.ctx).Then(x.then[1:]...).Commit()
}

// within changes the conditions of transactions within another.
func within(ops []clientv3.Op, change func([]clientv3.Cmp) []clientv3.Cmp) []clientv3.Op {
	changed := make([]clientv3.Op, len(ops))
	for i, op := range ops {
		cmps, then, els := op.Txn()
		changed[i] = clientv3.OpTxn(change(cmps), then, els)
	}
	return changed
}

// retrying believes the answer to the repeat of what may have been executed.
func retrying(send send) (*clientv3.TxnResponse, error) {
	if done, err := send(); err == nil {
		return done, nil
	}
	return send()
}

// hopeful takes silence for success.
func hopeful(send send) (*clientv3.TxnResponse, error) {
	done, err := send()
	if err != nil {
		return &clientv3.TxnResponse{Succeeded: true}, nil
	}
	return done, nil
}

// despairing takes silence for a conflict.
func despairing(send send) (*clientv3.TxnResponse, error) {
	done, err := send()
	if err != nil {
		there := &pb.ResponseOp{Response: &pb.ResponseOp_ResponseRange{ResponseRange: &pb.RangeResponse{Count: 1}}}
		return &clientv3.TxnResponse{Responses: []*pb.ResponseOp{there}}, nil
	}
	return done, nil
}

// blind does not compare the ledger's value, only that its holder is registered.
func blind(cmps []clientv3.Cmp) []clientv3.Cmp { return cmps[max(0, len(cmps)-1):] }

// careless does not compare that the holder is registered, only the ledger's value.
func careless(cmps []clientv3.Cmp) []clientv3.Cmp { return cmps[:len(cmps)-1] }

const sound = "none: the store as it is"

func TestTheCheckerFindsTheFaultOfEachMutantOfTheStore(t *testing.T) {
	cluster := startEtcd(t, 1)
	for name, is := range map[string]struct {
		change  func(*mutant)
		network func() fate
	}{
		"it repeats a write and believes the second answer": {func(m *mutant) { m.commit = retrying }, halfOf(unanswered)},
		"it takes silence for success":                      {func(m *mutant) { m.commit = hopeful }, halfOf(unsent)},
		"it reads from memory":                              {func(m *mutant) { m.stale = true }, often},
		"it does not compare the value":                     {func(m *mutant) { m.compare = blind }, often},
		sound:                                               {func(*mutant) {}, often},
	} {
		t.Run(name, func(t *testing.T) {
			space := space()
			c := gather(t, 4, func() *unreliableStore {
				s := openUnreliable(t, cluster.Endpoints(), space, is.network)
				m := &mutant{KV: s.Client.KV}
				is.change(m)
				s.Client.KV = m
				return s
			})
			c.work(t, func() {
				await(timeout(t), t, "the clients go on", func() bool { return c.calls.Load() >= 250 })
			})
			err := c.history.check(10 * time.Second)
			if (name == sound) != (err == nil) {
				t.Fatalf("of %d calls the checker says: %v", c.calls.Load(), err)
			}
			if err != nil && !strings.Contains(err.Error(), "not linearizable") {
				t.Fatal(err)
			}
		})
	}
}
