package counter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/bwmarrin/snowflake"

	"folio/counter"
	"folio/counter/countertest"
)

// BenchmarkNumber compares ways to get a number, from all cores at once:
//
//	atomic-add            one word that all add to: the yardstick
//	one-series            Take and Spend by a handle, on one hot series
//	one-series-by-name    the series is looked up each time
//	100000-in-turn        100,000 handles, one after the other
//	100000-at-random      the same in random order: almost each waits for memory
//	100000-words-…        bare additions to 100,000 words, each on a cache line of its
//	                      own: what of the two before is the memory's
//	snowflake             a snowflake library: no ledger, no account of what became
//	                      of a number, and none that a person could call the next
func BenchmarkNumber(b *testing.B) {
	b.Run("way=atomic-add", atomicAdd)
	b.Run("way=one-series", oneSeries)
	b.Run("way=one-series-by-name", oneSeriesByName)
	b.Run("way=snowflake", snowflakes)
	handles := filled(b, steady(b, 500), manySeries)
	words := make([]paddedWord, manySeries)
	shuffled := rand.New(rand.NewPCG(1, 1)).Perm(manySeries)
	inTurn, atRandom := func(i int) int { return i }, func(i int) int { return shuffled[i] }
	take := func(b *testing.B, i int) { takeSpend(b, handles[i]) }
	add := func(_ *testing.B, i int) { words[i].n.Add(1) }
	b.Run("way=100000-words-in-turn", func(b *testing.B) { overMany(b, inTurn, add) })
	b.Run("way=100000-words-at-random", func(b *testing.B) { overMany(b, atRandom, add) })
	b.Run("way=100000-in-turn", func(b *testing.B) { overMany(b, inTurn, take) })
	b.Run("way=100000-at-random", func(b *testing.B) { overMany(b, atRandom, take) })
}

type paddedWord struct {
	n atomic.Int64
	_ [56]byte
}

func atomicAdd(b *testing.B) {
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n.Add(1)
		}
	})
}

func oneSeries(b *testing.B) {
	h := steady(b, 1_000_000).Handle(invoices)
	takeSpend(b, h)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			takeSpend(b, h)
		}
	})
}

func oneSeriesByName(b *testing.B) {
	a := steady(b, 1_000_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n, err := a.Take(context.Background(), invoices)
			if err != nil {
				b.Error(err)
				return
			}
			n.Spend()
		}
	})
}

func snowflakes(b *testing.B) {
	node, err := snowflake.NewNode(1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			node.Generate()
		}
	})
}

func overMany(b *testing.B, order func(int) int, each func(*testing.B, int)) {
	b.ReportAllocs()
	var starts atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		i := int(starts.Add(1)) * manySeries / runtime.GOMAXPROCS(0)
		for pb.Next() {
			i++
			each(b, order(i%manySeries))
		}
	})
}

func takeSpend(b *testing.B, h *counter.Handle) {
	n, err := h.Take(context.Background())
	if err != nil {
		b.Error(err)
		return
	}
	n.Spend()
}

// steady runs an allocator whose blocks are as long as size, so that a benchmark
// measures taking, not reserving.
func steady(b *testing.B, size int64) *counter.Allocator {
	b.Helper()
	a := &counter.Allocator{Config: counter.Config{Store: &countertest.Mem{}, Rules: rules(counter.Rules{Bounds: counter.Bounds{Min: size}})}}
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

const manySeries = 100_000

// filled returns handles of series that are all busy: some hundred numbers were
// taken of each in the last seconds.
func filled(b *testing.B, a *counter.Allocator, series int) []*counter.Handle {
	b.Helper()
	handles := make([]*counter.Handle, series)
	for i := range handles {
		handles[i] = a.Handle(numbered(i))
		takeSpend(b, handles[i])
	}
	for range 300 {
		for _, h := range handles {
			takeSpend(b, h)
		}
	}
	return handles
}

func numbered(i int) counter.Series {
	return counter.Series{Tenant: fmt.Sprintf("tenant-%06d", i), Name: "invoice", Period: "2026"}
}
