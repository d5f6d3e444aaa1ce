package etcdstore

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// readTries is how many members a read asks, one after the other.
const readTries = 3

// read reads linearizably. A member that takes the request and says nothing (its
// process is stopped, its disk hangs) would use up the caller's time, and it is
// seconds before the connection to it is given up. A read is harmless when
// repeated: so each try but the last has a third of the time that is left, and
// the client sends the next to another member.
func (s *Store) read(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	deadline, ok := ctx.Deadline()
	for try := 1; ok && try < readTries; try++ {
		got, err := s.getWithin(ctx, time.Until(deadline)/3, key, opts...)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return got, err
		}
	}
	return s.Client.Get(ctx, key, opts...)
}

func (s *Store) getWithin(ctx context.Context, d time.Duration, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return s.Client.Get(ctx, key, opts...)
}
