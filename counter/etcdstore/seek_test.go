package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"folio/counter"
)

// TestASeekReachesWhatAnotherReplicaHasInMemory seeks through a bad network, again
// until it is acknowledged: each replica learns of it from the one key that all watch.
func TestASeekReachesWhatAnotherReplicaHasInMemory(t *testing.T) {
	cluster, space := startEtcd(t, 3), space()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var replicas []*counter.Allocator
	for i := range 2 {
		s := openUnreliable(t, cluster.Endpoints(), space, often)
		a := &counter.Allocator{Config: counter.Config{Store: s, Pod: fmt.Sprint("pod-", i)}}
		running.Go(func() {
			if err := a.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		replicas = append(replicas, a)
		for range 40 {
			takeAndSpend(t, a)
		}
		if a.Stats().Left == 0 {
			t.Fatalf("replica %d has nothing in memory: the test shows nothing", i)
		}
		s.network.bad.Store(true)
	}

	const mark = 5000
	await(timeout(t), t, "the seek is acknowledged", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := replicas[0].Seek(ctx, invoices, mark, "")
		if err != nil && !errors.Is(err, counter.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	l, _, err := openAt(t, cluster.Endpoints(), space, 60).Load(timeout(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range l.Held {
		if b.First <= mark {
			t.Errorf("block %s of %s is still held", b.Range, b.Holder)
		}
	}
	for _, f := range l.Free {
		if f.First <= mark {
			t.Errorf("%s is still free", f.Range)
		}
	}
	for i, a := range replicas {
		if got := takeAndSpend(t, a); got <= mark {
			t.Errorf("replica %d gave %d after the seek", i, got)
		}
	}
}

func takeAndSpend(t *testing.T, a *counter.Allocator) int64 {
	t.Helper()
	n, err := a.Take(timeout(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	n.Spend()
	return n.Value()
}
