package etcdstore_test

import (
	"context"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// silentLease is a clientv3.Lease of which the next renewals find members that
// say nothing.
type silentLease struct {
	clientv3.Lease
	silent  atomic.Int64
	renewed atomic.Int64
}

func (l *silentLease) KeepAliveOnce(ctx context.Context, id clientv3.LeaseID) (*clientv3.LeaseKeepAliveResponse, error) {
	if l.silent.Add(-1) >= 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	done, err := l.Lease.KeepAliveOnce(ctx, id)
	if err == nil {
		l.renewed.Add(1)
	}
	return done, err
}

func TestAHolderStaysRegisteredThoughSomeMembersAreSilent(t *testing.T) {
	s := open(t, startEtcd(t, 1), 3)
	lease := &silentLease{Lease: s.Client.Lease}
	lease.silent.Store(3)
	s.Client.Lease = lease
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	await(timeout(t), t, "the lease is renewed for longer than it would have lasted", func() bool {
		select {
		case <-reg.Lost():
			t.Fatal("lost, although only a third of its time passed in silence")
		default:
		}
		return lease.renewed.Load() >= 3
	})
}
