package etcdstore

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// Unindex implements counter.Unindexer: one transaction that compares the ledger's
// whole value and deletes the one key of the index.
func (s *Store) Unindex(ctx context.Context, holder string, series counter.Series, v counter.Version) error {
	if err := validate(series); err != nil {
		return err
	}
	same := unchanged(counter.Replacement{Series: series, Old: v})
	done, err := s.commit(s.Client.Txn(ctx).If(same).Then(clientv3.OpDelete(heldKey(holder, series))))
	switch {
	case err != nil:
		return fmt.Errorf("unindex %s of %s: %w", series, holder, err)
	case !done.Succeeded:
		return counter.ErrConflict
	}
	return nil
}

// Remove deletes the ledger of series if its value is still v: a value that cannot be
// read is taken out of the way only by who has kept it. counter.ErrConflict: the
// value is another. Any other error: it may be gone, or go later; a repeat is harmless.
// Nothing is said of the index: see Unindex.
func (s *Store) Remove(ctx context.Context, series counter.Series, v counter.Version) error {
	if err := validate(series); err != nil {
		return err
	}
	same := clientv3.Compare(clientv3.Value(ledgerKey(series)), "=", string(v))
	done, err := s.commit(s.Client.Txn(ctx).If(same).Then(clientv3.OpDelete(ledgerKey(series))))
	switch {
	case err != nil:
		return fmt.Errorf("remove ledger %s: %w", series, err)
	case !done.Succeeded:
		return fmt.Errorf("remove ledger %s: %w", series, counter.ErrConflict)
	}
	return nil
}
