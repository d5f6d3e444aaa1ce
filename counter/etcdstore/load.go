package etcdstore

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// mostLoads bounds the ledgers in one read; etcd takes 128, unless it was told
// otherwise.
const mostLoads = 100

// found is a ledger, and the revision of etcd at which it was read.
type found struct {
	counter.Loaded
	revision int64
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
	got, err := s.loads.Get(ctx, series, asker(s.sharing, mostLoads, s.load))
	if err != nil {
		return counter.Ledger{}, "", 0, fmt.Errorf("load ledger %s: %w", series, err)
	}
	return got.Ledger, got.Version, got.revision, got.Err
}

// LoadMany implements counter.BulkLoader: one transaction that only reads.
func (s *Store) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	for _, series := range all {
		if err := validate(series); err != nil {
			return nil, err
		}
	}
	got, err := s.load(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("load %d ledgers: %w", len(all), err)
	}
	loaded := make([]counter.Loaded, len(all))
	for i, f := range got {
		loaded[i] = f.Loaded
	}
	return loaded, nil
}

// load reads all in one call, or in several if etcd finds that too much.
func (s *Store) load(ctx context.Context, all []counter.Series) ([]found, error) {
	if len(all) == 1 {
		got, err := s.get(ctx, ledgerKey(all[0]))
		if err != nil {
			return nil, err
		}
		return []found{foundIn(all[0], got.Kvs, got.Header.GetRevision())}, nil
	}
	ops := make([]clientv3.Op, len(all))
	for i, series := range all {
		ops[i] = clientv3.OpGet(ledgerKey(series))
	}
	done, err := s.getAll(ctx, ops)
	switch {
	case tooMuch(err):
		return inHalves(ctx, all, s.load)
	case err != nil:
		return nil, err
	}
	got := make([]found, len(all))
	for i, r := range done.Responses {
		got[i] = foundIn(all[i], r.GetResponseRange().Kvs, done.Header.GetRevision())
	}
	return got, nil
}

// foundIn makes what was found of the answer for the key of a ledger.
func foundIn(series counter.Series, kvs []*mvccpb.KeyValue, revision int64) found {
	if len(kvs) == 0 {
		return found{revision: revision}
	}
	return found{Loaded: loadedFrom(series, kvs[0].Value), revision: revision}
}

func loadedFrom(series counter.Series, value []byte) counter.Loaded {
	l, err := decode(value)
	if err != nil {
		return counter.Loaded{Version: counter.Version(value), Err: fmt.Errorf("ledger %s: %w", series, err)}
	}
	return counter.Loaded{Ledger: l, Version: counter.Version(value)}
}
