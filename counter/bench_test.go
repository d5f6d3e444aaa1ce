package counter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// steady runs an allocator whose blocks are as long as they can be, so that a
// benchmark measures taking, not reserving.
func steady(b *testing.B, size int64) *counter.Allocator {
	b.Helper()
	bounds := counter.Bounds{Min: size}
	a := &counter.Allocator{Config: counter.Config{
		Store: &countertest.Mem{},
		Rules: func(context.Context, counter.Series) (counter.Rules, error) {
			return counter.Rules{Bounds: bounds}, nil
		},
	}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.Run(ctx); err != nil {
			b.Error(err)
		}
	}()
	b.Cleanup(func() { cancel(); <-done })
	return a
}

// BenchmarkAtomicAdd is the yardstick: all cores add to one word.
func BenchmarkAtomicAdd(b *testing.B) {
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n.Add(1)
		}
	})
}

// BenchmarkTakeSpendOneSeries takes and spends on one hot series from all cores.
func BenchmarkTakeSpendOneSeries(b *testing.B) {
	h := steady(b, 1_000_000).Handle(invoices)
	first, err := h.Take(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	first.Spend()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			takeSpend(b, ctx, h)
		}
	})
}

// BenchmarkTakeSpendOneSeriesByName looks the series up each time.
func BenchmarkTakeSpendOneSeriesByName(b *testing.B) {
	a := steady(b, 1_000_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			n, err := a.Take(ctx, invoices)
			if err != nil {
				b.Error(err)
				return
			}
			n.Spend()
		}
	})
}

const manySeries = 100_000

// BenchmarkTakeSpend100000SeriesInTurn goes through 100,000 handles in order.
func BenchmarkTakeSpend100000SeriesInTurn(b *testing.B) {
	overMany(b, func(i int) int { return i })
}

// BenchmarkTakeSpend100000SeriesAtRandom goes through them at random: almost each
// access then waits for memory.
func BenchmarkTakeSpend100000SeriesAtRandom(b *testing.B) {
	order := rand.New(rand.NewPCG(1, 1)).Perm(manySeries)
	overMany(b, func(i int) int { return order[i] })
}

func overMany(b *testing.B, order func(int) int) {
	handles := filled(b, steady(b, 10_000), manySeries)
	b.ReportAllocs()
	b.ResetTimer()
	var starts atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		i := int(starts.Add(1)) * manySeries / runtime.GOMAXPROCS(0)
		for pb.Next() {
			i++
			takeSpend(b, ctx, handles[order(i%manySeries)])
		}
	})
}

func takeSpend(b *testing.B, ctx context.Context, h *counter.Handle) {
	n, err := h.Take(ctx)
	if err != nil {
		b.Error(err)
		return
	}
	n.Spend()
}

// filled returns handles of series that are busy enough for the quick way: more
// than ten numbers were taken of each.
func filled(b *testing.B, a *counter.Allocator, series int) []*counter.Handle {
	b.Helper()
	handles := make([]*counter.Handle, series)
	var work sync.WaitGroup
	for part := range 64 {
		work.Go(func() {
			for i := part; i < series; i += 64 {
				handles[i] = a.Handle(numbered(i))
				for range 12 {
					takeSpend(b, b.Context(), handles[i])
				}
			}
		})
	}
	work.Wait()
	return handles
}

func numbered(i int) counter.Series {
	return counter.Series{Tenant: fmt.Sprintf("tenant-%06d", i), Name: "invoice", Period: "2026"}
}
