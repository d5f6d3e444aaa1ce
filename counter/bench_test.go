package counter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"folio/counter"
	"folio/counter/countertest"
)

// BenchmarkNumber compares ways to get a number, from all cores at once:
//
//	atomic-add              one word that all add to: the yardstick
//	one-series              Take and Spend by a handle, on one hot series
//	one-series-by-name      the series is looked up each time
//	100000-in-turn          100,000 handles, one after the other
//	100000-at-random        the same in random order: almost each waits for memory
//	100000-words-…          bare additions to 100,000 words, each on a cache line of
//	                        its own, whose address need not be read first
//	100000-lines-at-random  an addition and a compare-and-swap in one of 100,000 cache
//	                        lines, to which a pointer leads: the least that a handle,
//	                        a gate and the account of a number can cost
//	snowflake               a snowflake library: no ledger, no account of what became
//	                        of a number, and none that a person could call the next
//
// Everything that a number costs is in the time: the refills, which reserve blocks
// as long as the counter itself makes them at this rate and take spent ones off the
// ledger, by way of a store in memory that writes ledgers as JSON; the visits to
// all series every five seconds; the garbage collector. The 100,000 are refilled
// once in ten seconds: measure them for so long.
func BenchmarkNumber(b *testing.B) {
	b.Run("way=atomic-add", atomicAdd)
	b.Run("way=one-series", oneSeries)
	b.Run("way=one-series-by-name", oneSeriesByName)
	b.Run("way=snowflake", snowflakes)
	words := make([]paddedWord, manySeries)
	shuffled := rand.New(rand.NewPCG(1, 1)).Perm(manySeries)
	inTurn := func(i int) int { return i % manySeries }
	atRandom := func(i int) int { // another order in each round, or strips come to lie in it
		return (shuffled[i%manySeries] + i/manySeries*12_347) % manySeries
	}
	add := func(_ *testing.B, i int) { words[i].n.Add(1) }
	b.Run("way=100000-words-in-turn", func(b *testing.B) { overMany(b, inTurn, add) })
	b.Run("way=100000-words-at-random", func(b *testing.B) { overMany(b, atRandom, add) })
	lines := pointers(manySeries)
	b.Run("way=100000-lines-at-random", func(b *testing.B) {
		overMany(b, atRandom, func(_ *testing.B, i int) { lines[i].to.addAndMark() })
	})
	store := &countertest.Mem{}
	handles := sync.OnceValue(func() []*counter.Handle { return busy(b, running(b, store), manySeries) })
	b.Run("way=100000-in-turn", func(b *testing.B) { takeOfMany(b, store, handles(), inTurn) })
	b.Run("way=100000-at-random", func(b *testing.B) { takeOfMany(b, store, handles(), atRandom) })
}

type paddedWord struct {
	n atomic.Int64
	_ [56]byte
}

// bareStrip is what is left of a strip if it need not know when it ends.
type bareStrip struct {
	gate  atomic.Uint64
	_     uint64
	marks [6]atomic.Uint64
}

func (l *bareStrip) addAndMark() {
	n := l.gate.Add(1) % 96
	word := &l.marks[n/16]
	was := word.Load()
	word.CompareAndSwap(was, was|1<<(n%16))
}

// pointer is as large as a handle.
type pointer struct{ to, _ *bareStrip }

func pointers(count int) []*pointer {
	all := make([]*pointer, count)
	for i := range all {
		all[i] = &pointer{to: new(bareStrip)}
	}
	return all
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
	h := running(b, &countertest.Mem{}).Handle(invoices)
	warm(b, h)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			takeSpend(b, h)
		}
	})
}

func oneSeriesByName(b *testing.B) {
	a := running(b, &countertest.Mem{})
	warm(b, a.Handle(invoices))
	b.ReportAllocs()
	b.ResetTimer()
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
	b.ResetTimer()
	var starts atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		i := int(starts.Add(1)) * manySeries / runtime.GOMAXPROCS(0)
		for pb.Next() {
			i++
			each(b, order(i))
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

// running runs an allocator that chooses the sizes of blocks by itself, beginning
// at firstBlock so that it does not take minutes until a hundred thousand have
// grown.
func running(b *testing.B, store counter.Store) *counter.Allocator {
	b.Helper()
	a := &counter.Allocator{Config: counter.Config{Store: store, Rules: rules(counter.Rules{Bounds: counter.Bounds{Min: firstBlock}})}}
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

// warm takes until the blocks are as long as they become.
func warm(b *testing.B, h *counter.Handle) {
	for range 3_000_000 {
		takeSpend(b, h)
	}
}

const (
	manySeries = 100_000
	firstBlock = 500
	warmUp     = 12 * time.Second // longer than the window in which the counter sees a rate
)

// busy returns handles of series from which all cores have taken without a pause
// for so long that the counter has found the size of their blocks: ten seconds'
// worth. At first a number of each was taken that differs from series to series, so
// that ever after they are not refilled all at once, but evenly.
func busy(b *testing.B, a *counter.Allocator, series int) []*counter.Handle {
	b.Helper()
	handles := make([]*counter.Handle, series)
	for i := range handles {
		handles[i] = a.Handle(numbered(i))
		for range 1 + rand.IntN(firstBlock) {
			takeSpend(b, handles[i])
		}
	}
	var workers sync.WaitGroup
	began := time.Now()
	for w := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			at := w * series / runtime.GOMAXPROCS(0)
			for time.Since(began) < warmUp {
				for range 1000 {
					at = (at + 1) % series
					takeSpend(b, handles[at])
				}
			}
		})
	}
	workers.Wait()
	return handles
}

// takeOfMany reports beside the time how many numbers were taken for each refill:
// as many as a block has, or the state that is measured is not a steady one.
func takeOfMany(b *testing.B, store *countertest.Mem, handles []*counter.Handle, order func(int) int) {
	before := store.Swaps()
	overMany(b, order, func(b *testing.B, i int) { takeSpend(b, handles[i]) })
	if n := store.Swaps() - before; n > 0 {
		b.ReportMetric(float64(b.N)/float64(n), "numbers/refill")
	}
}

func numbered(i int) counter.Series {
	return counter.Series{Tenant: fmt.Sprintf("tenant-%06d", i), Name: "invoice", Period: "2026"}
}
