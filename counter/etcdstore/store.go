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
)

// Store is a counter.Store on etcd. Every call needs a deadline in its context.
type Store struct {
	Client *clientv3.Client
	TTL    int64 // seconds a holder outlives its last sign of life, at least; 0: 10

	// Told is told of each "read" and each "transaction" how long it took and how it
	// ended; it must not wait. nil: nobody is.
	Told func(operation string, took time.Duration, err error)

	history history
}

// Load implements counter.Store. It reads linearizably.
func (s *Store) Load(ctx context.Context, series counter.Series) (counter.Ledger, counter.Version, error) {
	l, v, _, err := s.LoadAt(ctx, series)
	return l, v, err
}

// LoadAt is Load, and tells the revision of etcd at which it read.
func (s *Store) LoadAt(ctx context.Context, series counter.Series) (counter.Ledger, counter.Version, int64, error) {
	if err := validate(series); err != nil {
		return counter.Ledger{}, "", 0, err
	}
	got, err := s.get(ctx, ledgerKey(series))
	if err != nil {
		return counter.Ledger{}, "", 0, fmt.Errorf("load ledger %s: %w", series, err)
	}
	if len(got.Kvs) == 0 {
		return counter.Ledger{}, "", got.Header.GetRevision(), nil
	}
	found := loadedFrom(series, got.Kvs[0].Value)
	return found.Ledger, found.Version, got.Header.GetRevision(), found.Err
}

// LoadMany implements counter.BulkLoader: one transaction that only reads, for up to
// as many ledgers as etcd takes operations in one (128, unless it was told otherwise).
func (s *Store) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	ops := make([]clientv3.Op, len(all))
	for i, series := range all {
		if err := validate(series); err != nil {
			return nil, err
		}
		ops[i] = clientv3.OpGet(ledgerKey(series))
	}
	done, err := s.commit(s.Client.Txn(ctx).Then(ops...))
	if err != nil {
		return nil, fmt.Errorf("load %d ledgers: %w", len(all), err)
	}
	loaded := make([]counter.Loaded, len(all))
	for i, r := range done.Responses {
		if kvs := r.GetResponseRange().Kvs; len(kvs) > 0 {
			loaded[i] = loadedFrom(all[i], kvs[0].Value)
		}
	}
	return loaded, nil
}

func loadedFrom(series counter.Series, value []byte) counter.Loaded {
	l, err := decode(value)
	if err != nil {
		return counter.Loaded{Version: counter.Version(value), Err: fmt.Errorf("ledger %s: %w", series, err)}
	}
	return counter.Loaded{Ledger: l, Version: counter.Version(value)}
}

// Swap implements counter.Store: one transaction that compares the ledger's
// whole value (a revision comes round again after a restore; a value does not)
// and that the holder's key exists, and writes ledger and index together.
func (s *Store) Swap(ctx context.Context, holder string, series counter.Series, old counter.Version, next counter.Ledger) error {
	_, err := s.SwapAt(ctx, holder, series, old, next)
	return err
}

// SwapAt implements counter.RevisionTeller: the revision is that of the transaction.
func (s *Store) SwapAt(ctx context.Context, holder string, series counter.Series, old counter.Version, next counter.Ledger) (int64, error) {
	revision, err := s.replace(ctx, holder, counter.Replacement{Series: series, Old: old, Next: next})
	if err != nil {
		return 0, fmt.Errorf("swap ledger %s: %w", series, err)
	}
	return revision, nil
}

// SwapMany implements counter.BulkSwapper: one transaction that is for each ledger
// what Swap's is for one. It has two operations for a ledger that one holder leaves,
// and etcd takes 128, unless it was told otherwise.
func (s *Store) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	if _, err := s.replace(ctx, holder, all...); err != nil {
		return fmt.Errorf("swap %d ledgers: %w", len(all), err)
	}
	return nil
}

// replace makes one transaction of all, which are of different series: etcd refuses
// to write a key twice. It returns the revision at which they were applied.
func (s *Store) replace(ctx context.Context, holder string, all ...counter.Replacement) (int64, error) {
	var same []clientv3.Cmp
	var ops []clientv3.Op
	for _, r := range all {
		more, err := writes(r.Series, r.Old, r.Next)
		if err != nil {
			return 0, err
		}
		same, ops = append(same, unchanged(r)), append(ops, more...)
	}
	registered := clientv3.Compare(clientv3.CreateRevision(holderKey(holder)), ">", 0)
	done, err := s.commit(s.Client.Txn(ctx).
		If(append(same, registered)...).
		Then(ops...).
		Else(clientv3.OpGet(holderKey(holder), clientv3.WithCountOnly())))
	switch {
	case err != nil:
		return 0, fmt.Errorf("outcome unknown: %w", err)
	case done.Succeeded:
		return done.Header.GetRevision(), nil
	case done.Responses[0].GetResponseRange().Count == 0:
		return 0, counter.ErrLost
	}
	return 0, counter.ErrConflict
}

// unchanged compares the whole value of a ledger.
func unchanged(r counter.Replacement) clientv3.Cmp {
	key := ledgerKey(r.Series)
	if r.Old == "" {
		return clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	}
	return clientv3.Compare(clientv3.Value(key), "=", string(r.Old))
}

// writes returns the operations of a swap: the ledger, and the index of who
// holds something of it.
func writes(series counter.Series, old counter.Version, next counter.Ledger) ([]clientv3.Op, error) {
	if err := validate(series); err != nil {
		return nil, err
	}
	value, err := encode(next)
	if err != nil {
		return nil, err
	}
	before, err := decodeVersion(old)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", series, counter.ErrConflict) // no value of ours was ever like that
	}
	ops := []clientv3.Op{clientv3.OpPut(ledgerKey(series), value)}
	had, has := holdersOf(before), holdersOf(next)
	for _, h := range has {
		if !slices.Contains(had, h) {
			ops = append(ops, clientv3.OpPut(heldKey(h, series), ""))
		}
	}
	for _, h := range had {
		if !slices.Contains(has, h) {
			ops = append(ops, clientv3.OpDelete(heldKey(h, series)))
		}
	}
	return ops, nil
}

func decodeVersion(v counter.Version) (counter.Ledger, error) {
	if v == "" {
		return counter.Ledger{}, nil
	}
	return decode([]byte(v))
}

// holdersOf returns who holds a block in l, each once.
func holdersOf(l counter.Ledger) []string {
	var names []string
	for _, b := range l.Held {
		names = append(names, b.Holder)
	}
	slices.Sort(names)
	return slices.Compact(names)
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
