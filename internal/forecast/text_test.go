package forecast

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/etcdstore"
)

// etcd notes what a swap would write.
type etcd struct {
	clientv3.KV
	puts map[string]int // the bytes of each key's value
}

func (e *etcd) Txn(context.Context) clientv3.Txn { return &txn{etcd: e} }

type txn struct{ etcd *etcd }

func (t *txn) If(...clientv3.Cmp) clientv3.Txn { return t }
func (t *txn) Then(ops ...clientv3.Op) clientv3.Txn {
	for _, op := range ops {
		if op.IsPut() {
			t.etcd.puts[string(op.KeyBytes())] = len(op.ValueBytes())
		}
	}
	return t
}
func (t *txn) Else(...clientv3.Op) clientv3.Txn { return t }
func (t *txn) Commit() (*clientv3.TxnResponse, error) {
	return &clientv3.TxnResponse{Succeeded: true}, nil
}

// written returns the length of the value, and of all keys, that the real store
// writes for l.
func written(t *testing.T, l counter.Ledger) (value, keys int) {
	t.Helper()
	e := &etcd{puts: make(map[string]int)}
	store := etcdstore.Store{Client: &clientv3.Client{KV: e}}
	if err := store.Swap(t.Context(), "folio.1", seriesOf(17), "", l); err != nil {
		t.Fatal(err)
	}
	for key, n := range e.puts {
		value += n
		keys += len(key)
	}
	return value, keys
}

func TestLedgersAreAsLongAsTheStoreWritesThem(t *testing.T) {
	l := counter.Ledger{First: 7, Mark: 999, Serial: 10}
	ledgers := []counter.Ledger{{}, {Mark: 12_345, Serial: 9}, l}
	for i, holder := range []string{"folio-a.1", "folio-b.22", "folio-a.1"} {
		next, b, err := l.Reserve(counter.Want{Holder: holder, Era: era, Count: 1000, At: stamp(time.Duration(i) * 1_234_567)})
		if err != nil {
			t.Fatal(err)
		}
		ledgers = append(ledgers, next)
		l = next
		if i == 2 {
			break
		}
		unused := []counter.Range{{First: b.First + 3, Last: b.First + 9}, {First: b.Last, Last: b.Last}}
		if next, err = next.Release(b, unused, stamp(time.Second/10)); err != nil {
			t.Fatal(err)
		}
		ledgers = append(ledgers, next)
	}
	for _, l := range ledgers {
		if value, _ := written(t, l); value != valueBytes(l) {
			t.Errorf("%+v: %d bytes counted, %d written", l, valueBytes(l), value)
		}
	}
}

// TestTheKeysAreCountedAsTheStoreWritesThem: a ledger with one block has two keys.
func TestTheKeysAreCountedAsTheStoreWritesThem(t *testing.T) {
	c := Crowd{Tenants: 1, Replicas: 1, PerSecond: 1, Long: 10 * time.Second, Seed: 1}
	r := newRun(c)
	if err := r.found(); err != nil {
		t.Fatal(err)
	}
	r.serve(0, c.Long)
	r.weigh()
	value, keys := written(t, r.fleet.ledgers[0])
	st := r.sum.Store
	if st.Index != 1 || st.Blocks == 0 {
		t.Fatalf("%+v: want a block and an index key", st)
	}
	if got := st.LedgerBytes + st.IndexBytes; got != int64(value+keys) {
		t.Errorf("%d bytes counted, %d written", got, value+keys)
	}
}
