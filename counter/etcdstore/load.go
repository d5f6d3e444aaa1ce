package etcdstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// mostLoads bounds the ledgers in one read; etcd takes 128, unless it was told
// otherwise.
const mostLoads = 100

// wanted is a ledger that somebody loads.
type wanted struct {
	series   counter.Series
	deadline time.Time // zero: none
}

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
	deadline, _ := ctx.Deadline()
	got, err := s.loads.Get(ctx, wanted{series, deadline}, asker(s.sharing, mostLoads, s.load))
	if err != nil {
		return counter.Ledger{}, "", 0, fmt.Errorf("load ledger %s: %w", series, err)
	}
	return got.Ledger, got.Version, got.revision, got.Err
}

// LoadMany implements counter.BulkLoader: one transaction that only reads.
func (s *Store) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	deadline, _ := ctx.Deadline()
	want := make([]wanted, len(all))
	for i, series := range all {
		if err := validate(series); err != nil {
			return nil, err
		}
		want[i] = wanted{series, deadline}
	}
	got, err := s.load(ctx, want)
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
func (s *Store) load(ctx context.Context, all []wanted) ([]found, error) {
	if len(all) == 1 {
		got, err := s.get(ctx, ledgerKey(all[0].series))
		if err != nil {
			return nil, err
		}
		return []found{foundIn(all[0].series, got.Kvs, got.Header.GetRevision())}, nil
	}
	ops := make([]clientv3.Op, len(all))
	for i, w := range all {
		ops[i] = clientv3.OpGet(ledgerKey(w.series))
	}
	done, err := s.getAll(ctx, soonest(all), ops)
	switch {
	case tooMuch(err):
		return inHalves(ctx, all, s.load)
	case err != nil:
		return nil, err
	}
	got := make([]found, len(all))
	for i, r := range done.Responses {
		got[i] = foundIn(all[i].series, r.GetResponseRange().Kvs, done.Header.GetRevision())
	}
	return got, nil
}

// soonest is the first of all deadlines; zero if there is none. A member of etcd that
// is silent must not cost one who has little time the share of one who has much.
func soonest(all []wanted) (first time.Time) {
	for _, w := range all {
		if first.IsZero() || !w.deadline.IsZero() && w.deadline.Before(first) {
			first = w.deadline
		}
	}
	return first
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
