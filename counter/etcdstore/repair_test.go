package etcdstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
)

const ledgerOfInvoices = "/folio/ledger/acme/invoice/2026"

// deadWithBlock has a holder reserve a block and end its registration.
func deadWithBlock(t *testing.T, s *etcdstore.Store, name string) counter.Ledger {
	t.Helper()
	reg, err := s.Register(timeout(t), counter.Holder{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	l, v, err := s.Load(timeout(t), invoices)
	if err == nil {
		l, _, err = l.Reserve(counter.Want{Holder: name, Count: 5})
	}
	if err == nil {
		err = s.Swap(timeout(t), name, invoices, v, l)
	}
	if err = errors.Join(err, reg.Close(timeout(t))); err != nil {
		t.Fatal(err)
	}
	return l
}

func holding(t *testing.T, s *etcdstore.Store) []string {
	t.Helper()
	names, err := s.Holding(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTheIndexOfADeletedLedgerIsCleanedByTheNextScan(t *testing.T) {
	s := open(t, startEtcd(t, 1), 10)
	deadWithBlock(t, s, "pod.1")
	if done, err := s.Client.Delete(timeout(t), ledgerOfInvoices); err != nil || done.Deleted != 1 {
		t.Fatalf("deleted %+v, %v", done, err)
	}
	if got := holding(t, s); len(got) != 1 {
		t.Fatalf("the index names %v: the test shows nothing", got)
	}
	a := &counter.Allocator{Config: counter.Config{Store: s, Pod: "other", SweepEvery: 20 * time.Millisecond}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx) })
	defer running.Wait()
	defer stop()
	for end := time.Now().Add(20 * time.Second); len(holding(t, s)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the index still names %v", holding(t, s))
		}
	}
}

func TestTheIndexOfALedgerThatHasChangedStays(t *testing.T) {
	s := open(t, startEtcd(t, 1), 10)
	_, empty, err := s.Load(timeout(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	deadWithBlock(t, s, "pod.1")
	if err := s.Unindex(timeout(t), "pod.1", invoices, empty); !errors.Is(err, counter.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if got := holding(t, s); len(got) != 1 {
		t.Errorf("the index names %v, want the holder of the block", got)
	}
}

func TestALedgerIsRemovedOnlyWhileItsValueIsTheOneThatWasRead(t *testing.T) {
	s := open(t, startEtcd(t, 1), 10)
	const wrecked = `{"v":1,"mark":-3}`
	if _, err := s.Client.Put(timeout(t), ledgerOfInvoices, wrecked); err != nil {
		t.Fatal(err)
	}
	_, v, err := s.Load(timeout(t), invoices)
	if !errors.Is(err, counter.ErrDamaged) || v != wrecked {
		t.Fatalf("loaded %q, %v", v, err)
	}
	found, err := s.LoadMany(timeout(t), []counter.Series{invoices})
	if err != nil || found[0].Version != wrecked || !errors.Is(found[0].Err, counter.ErrDamaged) {
		t.Fatalf("loaded %+v, %v", found, err)
	}
	if err := s.Remove(timeout(t), invoices, wrecked+" "); !errors.Is(err, counter.ErrConflict) {
		t.Errorf("another value was removed: %v", err)
	}
	if err := s.Remove(timeout(t), invoices, wrecked); err != nil {
		t.Error(err)
	}
	if _, v, err := s.Load(timeout(t), invoices); v != "" || err != nil {
		t.Errorf("after the removal: %q, %v", v, err)
	}
	if err := s.Remove(timeout(t), invoices, wrecked); !errors.Is(err, counter.ErrConflict) {
		t.Errorf("what is gone was removed: %v", err)
	}
}
