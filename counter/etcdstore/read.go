package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// readTries is how many members a read asks, one after the other.
const readTries = 3

// inTries calls read up to three times. A member that takes the request and says
// nothing (its process is stopped, its disk hangs) would use up the caller's time, and
// it is seconds before the connection to it is given up. A read is harmless when
// repeated: so each try but the last has a third of the time until soonest, and
// the client sends the next to another member.
func inTries[R any](ctx context.Context, soonest time.Time, read func(context.Context) (R, error)) (R, error) {
	for try := 1; !soonest.IsZero() && try < readTries; try++ {
		got, err := within(ctx, max(time.Until(soonest)/3, leastTry), read)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return got, err
		}
	}
	return read(ctx)
}

// leastTry is what a try has at least, for those who share it with one who has hardly
// any time left.
const leastTry = 50 * time.Millisecond

func within[R any](ctx context.Context, d time.Duration, read func(context.Context) (R, error)) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return read(ctx)
}

// read reads linearizably.
func (s *Store) read(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	deadline, _ := ctx.Deadline()
	return inTries(ctx, deadline, func(ctx context.Context) (*clientv3.GetResponse, error) { return s.Client.Get(ctx, key, opts...) })
}

// readAll reads linearizably what ops get, for several of whom one has time until
// soonest only. A read that no member can take at the moment
// is repeated by the client, but not one that is a transaction.
func (s *Store) readAll(ctx context.Context, soonest time.Time, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	return inTries(ctx, soonest, func(ctx context.Context) (*clientv3.TxnResponse, error) {
		for {
			got, err := s.Client.Txn(ctx).Then(ops...).Commit()
			if !untaken(err) {
				return got, err
			}
			if ended := pause(ctx); ended != nil { // this try's time is over, as the client says of a read
				return nil, fmt.Errorf("%w: %w", ended, err)
			}
		}
	})
}

// untaken reports whether a member was not there, or had nobody who leads.
func untaken(err error) bool {
	var known rpctypes.EtcdError
	if errors.As(err, &known) {
		return known.Code() == codes.Unavailable
	}
	return status.Code(err) == codes.Unavailable
}

// pause waits as long as the client does before it repeats a read.
func pause(ctx context.Context) error {
	timer := time.NewTimer(25 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
