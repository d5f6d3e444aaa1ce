package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/internal/combine"
)

// Store is a counter.Store on etcd. Every call needs a deadline in its context.
type Store struct {
	Client *clientv3.Client
	TTL    int64 // seconds a holder outlives its last sign of life, at least; 0: 10

	// Told is told of each "read" and each "transaction", whoever shares it, how long it
	// took and how it ended; it must not wait. nil: nobody is.
	Told func(operation string, took time.Duration, err error)

	history history
	loads   combine.Group[wanted, found]
	swaps   combine.Group[*swap, outcome]
	sharing sharing
}

// Alive implements counter.Store.
func (s *Store) Alive(ctx context.Context) ([]string, error) {
	var names []string
	err := s.each(ctx, holders, func(rest string) error {
		names = append(names, rest)
		return nil
	})
	return names, err
}

// Holding implements counter.Store. It costs one read per holder, however much
// each holds: from one holder's keys it jumps past them to the next's.
func (s *Store) Holding(ctx context.Context) ([]string, error) {
	var names []string
	end := clientv3.GetPrefixRangeEnd(held)
	for from := held; ; {
		got, err := s.get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(1), clientv3.WithKeysOnly())
		if err != nil {
			return nil, fmt.Errorf("read who holds blocks: %w", err)
		}
		if len(got.Kvs) == 0 {
			return names, nil
		}
		holder, _, _ := strings.Cut(strings.TrimPrefix(string(got.Kvs[0].Key), held), "/")
		names = append(names, holder)
		from = clientv3.GetPrefixRangeEnd(heldPrefix(holder))
	}
}

// HeldBy implements counter.Store.
func (s *Store) HeldBy(ctx context.Context, holder string) ([]counter.Series, error) {
	return s.series(ctx, heldPrefix(holder))
}

// List implements counter.Store.
func (s *Store) List(ctx context.Context, tenant, name string) ([]counter.Series, error) {
	prefix := ledgers
	if tenant != "" {
		prefix += tenant + "/"
	}
	all, err := s.series(ctx, prefix)
	if name == "" || err != nil {
		return all, err
	}
	return slices.DeleteFunc(all, func(s counter.Series) bool { return s.Name != name }), nil
}

// series reads the series whose keys begin with prefix. A key that names none
// is somebody else's: it is reported, the rest is still returned.
func (s *Store) series(ctx context.Context, prefix string) ([]counter.Series, error) {
	var all []counter.Series
	var odd []error
	root := ledgers
	if strings.HasPrefix(prefix, held) {
		root = prefix
	}
	err := s.each(ctx, prefix, func(rest string) error {
		one, err := parseSeries(strings.TrimPrefix(prefix+rest, root))
		if err != nil {
			odd = append(odd, fmt.Errorf("key %s%s: %w", prefix, rest, err))
			return nil
		}
		all = append(all, one)
		return nil
	})
	return all, errors.Join(err, errors.Join(odd...))
}

// page bounds one read, so that no answer grows beyond what etcd sends at once.
const page = 1000

// each calls f with what follows prefix in every key that begins with it, in
// order. Keys written meanwhile may be missing.
func (s *Store) each(ctx context.Context, prefix string, f func(rest string) error) error {
	end := clientv3.GetPrefixRangeEnd(prefix)
	for from := prefix; ; {
		got, err := s.get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(page), clientv3.WithKeysOnly())
		if err != nil {
			return fmt.Errorf("read keys under %s: %w", prefix, err)
		}
		for _, kv := range got.Kvs {
			if err := f(strings.TrimPrefix(string(kv.Key), prefix)); err != nil {
				return err
			}
		}
		if !got.More {
			return nil
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
}
