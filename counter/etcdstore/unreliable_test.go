package etcdstore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/countertest"
	"folio/counter/etcdstore"
)

// fate is what becomes of a transaction on its way to etcd and back.
type fate int

const (
	delivered  fate = iota
	unsent          // it never reaches etcd
	unanswered      // it is executed, and its reply is lost
	strayed         // it is executed some time after its caller has given up
	fates
)

var errNoReply = errors.New("no reply")

// strayFor is how late, at most, a transaction is that strays.
const strayFor = 100 * time.Millisecond

// unreliable is a clientv3.KV behind a bad network: of a transaction that is not
// delivered the caller hears nothing but errNoReply. Until it is made bad it
// delivers everything.
type unreliable struct {
	clientv3.KV
	bad    atomic.Bool
	whole  bool // reads and single writes get lost as well
	draw   func() fate
	had    [fates]atomic.Int64
	strays sync.WaitGroup // owned by the test, which waits for them
}

// unreliableStore is a store behind a bad network.
type unreliableStore struct {
	*etcdstore.Store
	network *unreliable
}

// openUnreliable returns a store as openAt does, behind a network that loses
// what draw says, once it is bad.
func openUnreliable(t testing.TB, endpoints []string, space string, draw func() fate) *unreliableStore {
	t.Helper()
	s := openAt(t, endpoints, space, 60)
	u := &unreliable{KV: s.Client.KV, draw: draw}
	s.Client.KV = u
	t.Cleanup(u.strays.Wait)
	return &unreliableStore{Store: s, network: u}
}

// through draws fates from a network with a seed, the same that the store in memory
// is shown on.
func through(n *countertest.Network) func() fate {
	return func() fate {
		switch f := n.Fault("Swap", counter.Series{}); {
		case f.Stray > 0:
			return strayed
		case f.Drop:
			return unsent
		case f.Mute:
			return unanswered
		}
		return delivered
	}
}

// often loses three transactions in ten, each fate as often as the others.
func often() fate {
	if n := rand.IntN(10); n < int(fates) {
		return fate(n)
	}
	return delivered
}

// halfOf gives every other transaction fate f.
func halfOf(f fate) func() fate {
	return func() fate {
		if rand.IntN(2) == 0 {
			return f
		}
		return delivered
	}
}

// always is a network on which every transaction has the same fate.
func always(f fate) func() fate { return func() fate { return f } }

// lost returns how many transactions had another fate than to be delivered.
func (u *unreliable) lost() int64 {
	return u.had[unsent].Load() + u.had[unanswered].Load() + u.had[strayed].Load()
}

func (u *unreliable) Txn(ctx context.Context) clientv3.Txn {
	f := delivered
	if u.bad.Load() {
		f = u.draw()
	}
	u.had[f].Add(1)
	x := &unreliableTxn{kv: u, fate: f, cancel: func() {}}
	if f == strayed { // it outlives its caller
		ctx, x.cancel = context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	}
	x.Txn = u.KV.Txn(ctx)
	return x
}

// loses says whether a call that is no transaction gets lost, and whether its reply
// only.
func (u *unreliable) loses() (lost, executed bool) {
	if !u.whole || !u.bad.Load() {
		return false, false
	}
	f := u.draw()
	return f != delivered, f == unanswered
}

func (u *unreliable) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if lost, _ := u.loses(); lost {
		return nil, errNoReply
	}
	return u.KV.Get(ctx, key, opts...)
}

func (u *unreliable) Put(ctx context.Context, key, value string, opts ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	lost, executed := u.loses()
	if lost && !executed {
		return nil, errNoReply
	}
	done, err := u.KV.Put(ctx, key, value, opts...)
	if lost {
		return nil, errNoReply
	}
	return done, err
}

type unreliableTxn struct {
	clientv3.Txn
	kv     *unreliable
	fate   fate
	cancel context.CancelFunc
}

func (x *unreliableTxn) If(cs ...clientv3.Cmp) clientv3.Txn {
	x.Txn = x.Txn.If(cs...)
	return x
}

func (x *unreliableTxn) Then(ops ...clientv3.Op) clientv3.Txn {
	x.Txn = x.Txn.Then(ops...)
	return x
}

func (x *unreliableTxn) Else(ops ...clientv3.Op) clientv3.Txn {
	x.Txn = x.Txn.Else(ops...)
	return x
}

func (x *unreliableTxn) Commit() (*clientv3.TxnResponse, error) {
	switch x.fate {
	case delivered:
		return x.Txn.Commit()
	case unanswered:
		_, _ = x.Txn.Commit() // the reply, whatever it says, is what gets lost
	case strayed:
		x.kv.strays.Go(x.stray)
	}
	return nil, errNoReply
}

// stray executes the transaction late.
func (x *unreliableTxn) stray() {
	defer x.cancel()
	<-time.After(rand.N(strayFor))
	_, _ = x.Txn.Commit() // nobody is left to be told
}
