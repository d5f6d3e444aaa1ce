package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/client/v3/namespace"
	"go.uber.org/goleak"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/internal/devcluster/etcd"
)

var invoices = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	goleak.VerifyTestMain(m)
}

// startEtcd starts a real etcd of the given size for one test.
func startEtcd(t *testing.T, members int) *etcd.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "folio-etcd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Config{Dir: dir, Members: members, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range cluster.Members() { // nothing of it is wanted any more
			if err := m.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	return cluster
}

var namespaces atomic.Int64

// space returns the beginning of keys that no other test uses.
func space() string { return fmt.Sprintf("test-%d", namespaces.Add(1)) }

// open returns a store of its own: a namespace that no other test uses.
func open(t testing.TB, cluster *etcd.Cluster, ttl int64) *etcdstore.Store {
	t.Helper()
	return openAt(t, cluster.Endpoints(), space(), ttl)
}

// openAt returns a store on the given members in the given namespace, through a
// connection of its own.
func openAt(t testing.TB, endpoints []string, space string, ttl int64) *etcdstore.Store {
	t.Helper()
	client, err := etcdstore.Dial(context.Background(), endpoints)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.KV = namespace.NewKV(client.KV, space)
	client.Watcher = namespace.NewWatcher(client.Watcher, space)
	return &etcdstore.Store{Client: client, TTL: ttl}
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestAHolderWhoseLeaseIsGoneIsToldAndCannotSwap(t *testing.T) {
	s := open(t, startEtcd(t, 1), 3)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	leases, err := s.Client.Leases(timeout(t))
	if err != nil || len(leases.Leases) != 1 {
		t.Fatalf("leases: %+v, %v", leases, err)
	}
	if _, err := s.Client.Revoke(timeout(t), leases.Leases[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(timeout(t), "pod.1", invoices, "", counter.Ledger{Mark: 1}); !errors.Is(err, counter.ErrLost) {
		t.Fatalf("swap: %v, want ErrLost", err)
	}
	select {
	case <-reg.Lost():
	case <-timeout(t).Done():
		t.Fatal("the holder was never told")
	}
}

func TestANameIsRegisteredOnce(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	if _, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"}); err == nil {
		t.Fatal("a second holder of the same name was registered")
	}
	if _, err := s.Register(timeout(t), counter.Holder{Name: "pod/../x"}); err == nil {
		t.Fatal("a name with slashes was registered")
	}
}

func TestADamagedLedgerIsReportedAndNeverOverwritten(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	const key, junk = "/folio/ledger/acme/invoice/2026", "4611686018427387904"
	if _, err := s.Client.Put(timeout(t), key, junk); err != nil {
		t.Fatal(err)
	}
	_, v, err := s.Load(timeout(t), invoices)
	if !errors.Is(err, counter.ErrDamaged) {
		t.Fatalf("load: %v, want ErrDamaged", err)
	}
	if err := s.Swap(timeout(t), "pod.1", invoices, v, counter.Ledger{Mark: 1}); !errors.Is(err, counter.ErrConflict) {
		t.Fatalf("swap: %v, want ErrConflict", err)
	}
	got, err := s.Client.Get(timeout(t), key)
	if err != nil || string(got.Kvs[0].Value) != junk {
		t.Fatalf("the damaged value became %v, %v", got, err)
	}
}

func TestASwapWithoutAnAnswerIsUnknown(t *testing.T) {
	cluster := startEtcd(t, 1)
	s := open(t, cluster, 60)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	if err := cluster.Member(0).Stop(); err != nil { // SIGSTOP: it takes the request and says nothing
		t.Fatal(err)
	}
	// The signal takes its time to reach every thread.
	for silent := false; !silent; {
		ctx, cancel := context.WithTimeout(timeout(t), 200*time.Millisecond)
		_, _, err := s.Load(ctx, invoices)
		silent = err != nil
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = s.Swap(ctx, "pod.1", invoices, "", counter.Ledger{Mark: 1})
	if err == nil || errors.Is(err, counter.ErrConflict) || errors.Is(err, counter.ErrLost) {
		t.Fatalf("got %v, want an unknown outcome", err)
	}
	if err := cluster.Member(0).Continue(); err != nil {
		t.Fatal(err)
	}
}
