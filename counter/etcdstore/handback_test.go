package etcdstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"folio/counter"
)

// TestTenThousandSeriesAreHandedBack stops an allocator that has a number of each
// of ten thousand series at hand, on a real etcd of three, and prints how long that
// took. That all came back is what it asserts: how long it takes is the machine's.
func TestTenThousandSeriesAreHandedBack(t *testing.T) {
	const count = 10_000
	s := open(t, startEtcd(t, 3), 60)
	a := &counter.Allocator{Config: counter.Config{Store: s, Pod: "full", HandBack: time.Minute}}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer cancel()

	takeAndReturn(t, a, count)
	if held, err := s.HeldBy(timeout(t), a.Holder()); err != nil || len(held) != count {
		t.Fatalf("%d series are held, %v; want %d", len(held), err, count)
	}
	holder := a.Holder()
	begun := time.Now()
	cancel()
	running.Wait()
	t.Logf("%d series handed back in %s", count, time.Since(begun).Round(time.Millisecond))

	if held, err := s.HeldBy(timeout(t), holder); err != nil || len(held) != 0 {
		t.Errorf("%d series are still held, %v", len(held), err)
	}
	for i := range 100 {
		series := numbered(i * count / 100)
		l, _, err := s.Load(timeout(t), series)
		if err != nil || l.Mark != 1 || len(l.Held) != 0 || len(l.Free) != 1 {
			t.Fatalf("%s: %+v, %v; want 1 free", series, l, err)
		}
	}
}

func numbered(i int) counter.Series {
	return counter.Series{Tenant: fmt.Sprintf("tenant-%05d", i), Name: "invoice", Period: "2026"}
}

// takeAndReturn leaves a number of each series at hand.
func takeAndReturn(t *testing.T, a *counter.Allocator, count int) {
	t.Helper()
	var work sync.WaitGroup
	const workers = 64
	for w := range workers {
		work.Go(func() {
			for i := w; i < count; i += workers {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				n, err := a.Take(ctx, numbered(i))
				cancel()
				if err != nil {
					t.Error(err)
					return
				}
				n.Return()
			}
		})
	}
	work.Wait()
}
