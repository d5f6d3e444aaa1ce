package etcdstore

import (
	"context"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// history notices when etcd is in another history than before: its cluster id
// has changed, or its revision went back, or what a watch had not seen yet is compacted.
// The zero history has seen nothing.
type history struct {
	mu       sync.Mutex
	cluster  uint64
	revision int64
	restored int64
}

// before is what was known when a call was sent: an answer to a linearizable call
// cannot be older than that. (Answers overtake each other, so what was seen
// meanwhile says nothing.)
func (h *history) before() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.revision
}

// saw takes note of an answer.
func (h *history) saw(before int64, header *pb.ResponseHeader) {
	if header == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	another := h.cluster != 0 && h.cluster != header.ClusterId
	if another || header.Revision < before && before <= h.revision {
		h.restored++
		h.revision = 0
	}
	h.cluster, h.revision = header.ClusterId, max(h.revision, header.Revision)
}

// jumped is told that a watch cannot go on where it was. etcd was restored with its
// revisions bumped (etcdutl --bump-revision --mark-compacted), or somebody has compacted
// what is seconds old while the watch was broken: then a life ends for nothing, which
// costs no number.
func (h *history) jumped() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restored++
	h.revision = 0
}

// Restored implements counter.Store.
func (s *Store) Restored() int64 {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return s.history.restored
}

// get reads linearizably, and takes note of the history it was answered from.
func (s *Store) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	before, begun := s.history.before(), time.Now()
	got, err := s.read(ctx, key, opts...)
	s.tell("read", begun, err)
	if err == nil {
		s.history.saw(before, got.Header)
	}
	return got, err
}

// getAll is get of many keys at one moment.
func (s *Store) getAll(ctx context.Context, soonest time.Time, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	before, begun := s.history.before(), time.Now()
	got, err := s.readAll(ctx, soonest, ops)
	s.tell("read", begun, err)
	if err == nil {
		s.history.saw(before, got.Header)
	}
	return got, err
}

// commit sends a transaction, once.
func (s *Store) commit(txn clientv3.Txn) (*clientv3.TxnResponse, error) {
	before, begun := s.history.before(), time.Now()
	done, err := txn.Commit()
	s.tell("transaction", begun, err)
	if err == nil {
		s.history.saw(before, done.Header)
	}
	return done, err
}

func (s *Store) tell(operation string, begun time.Time, err error) {
	if s.Told != nil {
		s.Told(operation, time.Since(begun), err)
	}
}
