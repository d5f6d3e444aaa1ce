package etcdstore_test

import (
	"errors"
	"strings"
	"testing"

	"folio/counter"
)

func TestASwapTellsTheRevisionAtWhichTheLedgerWasReplaced(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	b := counter.Block{Serial: 1, Range: counter.Range{First: 1, Last: 1}, Holder: "pod.1", Revision: 99}
	at, err := s.SwapAt(timeout(t), "pod.1", invoices, "", counter.Ledger{Mark: 1, Serial: 1, Held: []counter.Block{b}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Client.Get(timeout(t), "/folio/ledger/acme/invoice/2026")
	if err != nil || len(got.Kvs) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if at != got.Kvs[0].ModRevision {
		t.Errorf("told %d, the ledger was replaced at %d", at, got.Kvs[0].ModRevision)
	}
	if _, _, read, err := s.LoadAt(timeout(t), invoices); err != nil || read < at || read > got.Header.Revision {
		t.Errorf("read at %d, %v; replaced at %d", read, err, at)
	}
	if _, _, read, err := s.LoadAt(timeout(t), counter.Series{Tenant: "acme", Name: "none"}); err != nil || read < at {
		t.Errorf("a series without a ledger was read at %d, %v", read, err)
	}
	if text := string(got.Kvs[0].Value); strings.Contains(strings.ToLower(text), "revision") {
		t.Errorf("the program before this one cannot read %s", text)
	}
	if at, err := s.SwapAt(timeout(t), "pod.1", invoices, "", counter.Ledger{Mark: 2}); at != 0 || !errors.Is(err, counter.ErrConflict) {
		t.Errorf("a conflict tells %d, %v", at, err)
	}
}
