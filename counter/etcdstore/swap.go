package etcdstore

import (
	"context"
	"fmt"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// Swap implements counter.Store: one transaction that compares the ledger's
// whole value (a revision comes round again after a restore; a value does not)
// and that the holder's key exists, and writes ledger and index together.
func (s *Store) Swap(ctx context.Context, holder string, series counter.Series, old counter.Version, next counter.Ledger) error {
	_, err := s.SwapAt(ctx, holder, series, old, next)
	return err
}

// SwapAt implements counter.RevisionTeller: the revision is that of the transaction.
// Those who call it while others' swaps are under way share one, in which each has a
// transaction of its own: it is applied or not, whatever becomes of the others.
func (s *Store) SwapAt(ctx context.Context, holder string, series counter.Series, old counter.Version, next counter.Ledger) (int64, error) {
	one, err := plan(holder, counter.Replacement{Series: series, Old: old, Next: next})
	if err != nil {
		return 0, fmt.Errorf("swap ledger %s: %w", series, err)
	}
	by := asker(s.sharing, counter.MaxSwaps, s.sendEach)
	by.Room = room
	got, err := s.swaps.Get(ctx, one, by)
	if err == nil {
		err = got.err
	} else {
		err = unknown(err) // the context ended, perhaps after it was sent
	}
	if err != nil {
		return 0, fmt.Errorf("swap ledger %s: %w", series, err)
	}
	return got.revision, nil
}

// SwapMany implements counter.BulkSwapper: one transaction that is for each ledger
// what Swap's is for one. It has two operations for a ledger that one holder leaves,
// and etcd takes 128, unless it was told otherwise.
func (s *Store) SwapMany(ctx context.Context, holder string, all []counter.Replacement) error {
	swaps := make([]*swap, len(all))
	for i, r := range all {
		one, err := plan(holder, r)
		if err != nil {
			return fmt.Errorf("swap %d ledgers: %w", len(all), err)
		}
		swaps[i] = one
	}
	if got := s.sendAsOne(ctx, holder, swaps...); got.err != nil {
		return fmt.Errorf("swap %d ledgers: %w", len(all), got.err)
	}
	return nil
}

// swap is one that is ready to be sent.
type swap struct {
	holder string
	series counter.Series
	same   clientv3.Cmp
	writes []clientv3.Op
	size   int // bytes of both values
}

// outcome is what became of a swap: the revision at which it was applied, or why it was
// not, or that nobody knows.
type outcome struct {
	revision int64
	err      error
}

func unknown(err error) error { return fmt.Errorf("outcome unknown: %w", err) }

// sendAsOne makes one transaction of swaps of one holder, of different series: etcd
// refuses to write a key twice. All are applied, or none.
func (s *Store) sendAsOne(ctx context.Context, holder string, all ...*swap) outcome {
	var conditions []clientv3.Cmp
	var writes []clientv3.Op
	for _, one := range all {
		conditions, writes = append(conditions, one.same), append(writes, one.writes...)
	}
	done, err := s.commit(s.Client.Txn(ctx).
		If(append(conditions, registered(holder))...).
		Then(writes...).
		Else(isRegistered(holder)))
	if err != nil {
		return outcome{err: unknown(err)}
	}
	return judge((*pb.TxnResponse)(done), done.Header.GetRevision())
}

// sendEach makes one transaction of swaps of different series, each in a transaction of
// its own within. They are sent once; again only what etcd has refused to look at.
func (s *Store) sendEach(ctx context.Context, all []*swap) ([]outcome, error) {
	if len(all) == 1 {
		return []outcome{s.sendAsOne(ctx, all[0].holder, all[0])}, nil
	}
	ops := make([]clientv3.Op, len(all))
	for i, one := range all {
		conditions := []clientv3.Cmp{one.same, registered(one.holder)}
		ops[i] = clientv3.OpTxn(conditions, one.writes, []clientv3.Op{isRegistered(one.holder)})
	}
	done, err := s.commit(s.Client.Txn(ctx).Then(ops...))
	switch {
	case tooMuch(err):
		return inHalves(ctx, all, s.sendEach)
	case err != nil:
		return slices.Repeat([]outcome{{err: unknown(err)}}, len(all)), nil
	}
	outcomes := make([]outcome, len(all))
	for i, r := range done.Responses {
		outcomes[i] = judge(r.GetResponseTxn(), done.Header.GetRevision())
	}
	return outcomes, nil
}

// judge reads the answer to a transaction of swaps. The revision is that of the whole
// call: those within have none of their own.
func judge(done *pb.TxnResponse, revision int64) outcome {
	switch {
	case done.Succeeded:
		return outcome{revision: revision}
	case done.Responses[0].GetResponseRange().Count == 0:
		return outcome{err: counter.ErrLost}
	}
	return outcome{err: counter.ErrConflict}
}

func registered(holder string) clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(holderKey(holder)), ">", 0)
}

func isRegistered(holder string) clientv3.Op {
	return clientv3.OpGet(holderKey(holder), clientv3.WithCountOnly())
}

// mostWrites bounds the operations of a swap that shares a transaction. etcd takes 128
// in one, unless it was told otherwise; of one within another so many less as the outer
// one has.
const mostWrites = 128 - counter.MaxSwaps

// room makes a judge of which swaps share a transaction: of different series, since
// etcd refuses to write a key twice, and within what etcd takes.
func room() func(*swap) bool {
	series := make(map[counter.Series]bool)
	size, full := 0, false
	return func(one *swap) bool {
		big := len(one.writes) > mostWrites
		goes := len(series) == 0 || !full && !big && !series[one.series] && size+one.size <= 2*counter.MaxSwapBytes
		if goes {
			series[one.series] = true
			size += one.size
			full = big
		}
		return goes
	}
}
