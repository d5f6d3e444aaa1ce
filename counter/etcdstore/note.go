package etcdstore

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// note is the key of a text that the owner of the rows keeps here: how far Postgres
// has come.
const note = "/folio/postgres"

// LoadNote returns the text that the owner of the rows keeps here; "" if there is
// none. It reads linearizably.
func (s *Store) LoadNote(ctx context.Context) (string, error) {
	got, err := s.get(ctx, note)
	if err != nil {
		return "", fmt.Errorf("load %s: %w", note, err)
	}
	if len(got.Kvs) == 0 {
		return "", nil
	}
	return string(got.Kvs[0].Value), nil
}

// SwapNote replaces that text if it is still old; "" is none. It is sent once: after
// an error it may have been replaced, or may still be.
func (s *Store) SwapNote(ctx context.Context, old, next string) (swapped bool, err error) {
	same := clientv3.Compare(clientv3.Value(note), "=", old)
	if old == "" {
		same = clientv3.Compare(clientv3.CreateRevision(note), "=", 0)
	}
	done, err := s.commit(s.Client.Txn(ctx).If(same).Then(clientv3.OpPut(note, next)))
	if err != nil {
		return false, fmt.Errorf("swap %s: outcome unknown: %w", note, err)
	}
	return done.Succeeded, nil
}
