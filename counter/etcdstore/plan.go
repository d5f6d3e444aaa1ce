package etcdstore

import (
	"fmt"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// plan makes a swap of a ledger, and of the index of who holds something of it.
func plan(holder string, r counter.Replacement) (*swap, error) {
	if err := validate(r.Series); err != nil {
		return nil, err
	}
	value, err := encode(r.Next)
	if err != nil {
		return nil, err
	}
	before, err := decodeVersion(r.Old)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", r.Series, counter.ErrConflict) // no value of ours was ever like that
	}
	one := &swap{holder: holder, series: r.Series, same: unchanged(r), size: len(r.Old) + len(value)}
	one.writes = append([]clientv3.Op{clientv3.OpPut(ledgerKey(r.Series), value)}, indexing(r.Series, before, r.Next)...)
	return one, nil
}

// unchanged compares the whole value of a ledger.
func unchanged(r counter.Replacement) clientv3.Cmp {
	key := ledgerKey(r.Series)
	if r.Old == "" {
		return clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	}
	return clientv3.Compare(clientv3.Value(key), "=", string(r.Old))
}

// indexing returns the changes of the index when a ledger becomes another.
func indexing(series counter.Series, before, next counter.Ledger) (ops []clientv3.Op) {
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
	return ops
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
