package etcdstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

const defaultTTL = 10

// holderText is a holder's key as people read it.
type holderText struct {
	Pod     string    `json:"pod"`
	Node    string    `json:"node"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
}

// Register implements counter.Store: the holder's key, under a lease of its own
// that is kept alive until the registration is closed or lost. A name that was
// registered before is refused.
func (s *Store) Register(ctx context.Context, h counter.Holder) (counter.Registration, error) {
	if !isHolder(h.Name) {
		return nil, fmt.Errorf("register holder %q: want pod.suffix of lower-case letters, digits and hyphens", h.Name)
	}
	value, err := json.Marshal(holderText{Pod: h.Pod, Node: h.Node, Started: h.Started, Version: h.Build})
	if err != nil {
		return nil, fmt.Errorf("register holder %s: %w", h.Name, err)
	}
	ttl := s.TTL
	if ttl <= 0 {
		ttl = defaultTTL
	}
	lease, err := s.Client.Grant(ctx, ttl)
	if err != nil {
		return nil, fmt.Errorf("register holder %s: grant a lease: %w", h.Name, err)
	}
	key := holderKey(h.Name)
	done, err := s.Client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, string(value), clientv3.WithLease(lease.ID))).
		Commit()
	if err == nil && !done.Succeeded {
		err = errors.New("the name is taken")
	}
	if err != nil {
		// The lease, and the key if it came to be, end by themselves.
		return nil, fmt.Errorf("register holder %s: %w", h.Name, err)
	}
	return keepAlive(s.Client, lease.ID, time.Duration(ttl)*time.Second), nil
}

// registration renews one lease in a goroutine of its own, which Close ends and
// waits for.
type registration struct {
	client *clientv3.Client
	lease  clientv3.LeaseID
	lost   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func keepAlive(client *clientv3.Client, lease clientv3.LeaseID, ttl time.Duration) *registration {
	ctx, cancel := context.WithCancel(context.Background())
	r := &registration{client: client, lease: lease, lost: make(chan struct{}), cancel: cancel}
	r.done.Go(func() { r.renew(ctx, ttl) })
	return r
}

// renew renews the lease three times in its life. Only etcd's own word that the
// lease is gone means lost: while etcd cannot be reached the holder goes on with
// what it has, which the fence in the owner's store makes safe.
func (r *registration) renew(ctx context.Context, ttl time.Duration) {
	tick := time.NewTicker(ttl / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if errors.Is(r.renewOnce(ctx, ttl/3), rpctypes.ErrLeaseNotFound) {
			close(r.lost)
			return
		}
	}
}

// renewTries is how many members a renewal asks, one after the other.
const renewTries = 3

// renewOnce asks the next member when one says nothing: two silent answers in a
// row would cost a holder its lease although most members are well.
func (r *registration) renewOnce(ctx context.Context, within time.Duration) (err error) {
	for range renewTries {
		callCtx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), within/renewTries)
		_, err = r.client.KeepAliveOnce(callCtx, r.lease)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return err
}

// Lost implements counter.Registration.
func (r *registration) Lost() <-chan struct{} { return r.lost }

// Close implements counter.Registration: it revokes the lease.
func (r *registration) Close(ctx context.Context) error {
	r.cancel()
	r.done.Wait()
	_, err := r.client.Revoke(ctx, r.lease)
	if err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return fmt.Errorf("revoke lease %x: %w", r.lease, err)
	}
	return nil
}
