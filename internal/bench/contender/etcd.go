package contender

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// swaps takes every number from etcd by a compare-and-swap of its own, and then inserts
// its row. Requests of one process for one tenant take turns: if they all tried at once,
// most swaps would meet another's.
type swaps struct {
	table
	client *clientv3.Client

	mu    sync.Mutex
	turns map[string]chan *known64 // by key, with room for the one that may swap
}

// known64 is a counter as a swap left it.
type known64 struct {
	value    int64
	revision int64 // of its last change; 0: never made
}

func newSwaps(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("", known))
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: c.Etcd, DialTimeout: 2 * time.Second, Logger: zap.NewNop()})
	return &swaps{table: t, client: client, turns: make(map[string]chan *known64)}, err
}

func (w *swaps) store(ctx context.Context, r *row) (int64, error) {
	n, err := w.take(ctx, "/bench/"+r.tenant+"/"+r.series+"/"+r.period)
	if err != nil {
		return 0, fmt.Errorf("take a number from etcd: %w", err)
	}
	return r.put(ctx, w.insert, n)
}

func (w *swaps) take(ctx context.Context, key string) (int64, error) {
	turn := w.turn(key)
	var at *known64
	select {
	case at = <-turn:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { turn <- at }()
	for try := 0; ; try++ {
		done, err := w.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", at.revision)).
			Then(clientv3.OpPut(key, decimal(at.value+1))).
			Else(clientv3.OpGet(key)).Commit()
		if err != nil {
			at.revision = -1 // it may have been done: the next finds out
			return 0, err
		}
		if done.Succeeded {
			at.value, at.revision = at.value+1, done.Header.Revision
			return at.value, nil
		}
		if err := at.read(done); err != nil {
			return 0, err
		}
		if try > 0 {
			time.Sleep(rand.N(time.Millisecond << min(try, 5)))
		}
	}
}

// read takes over what stands in etcd.
func (k *known64) read(done *clientv3.TxnResponse) (err error) {
	found := done.Responses[0].GetResponseRange().Kvs
	if len(found) == 0 {
		*k = known64{}
		return nil
	}
	k.revision = found[0].ModRevision
	k.value, err = strconv.ParseInt(string(found[0].Value), 10, 64)
	return err
}

func (w *swaps) turn(key string) chan *known64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	turn := w.turns[key]
	if turn == nil {
		turn = make(chan *known64, 1)
		turn <- &known64{}
		w.turns[key] = turn
	}
	return turn
}

func (w *swaps) close() error { return errors.Join(w.client.Close(), w.table.close()) }
