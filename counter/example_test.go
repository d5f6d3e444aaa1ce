package counter_test

import (
	"context"
	"fmt"
	"sync"

	"folio/counter"
	"folio/counter/countertest"
)

// A program runs one allocator, takes numbers, and says what became of each. In
// place of the store in memory it has the one on etcd.
func ExampleAllocator() {
	a := &counter.Allocator{Config: counter.Config{Store: &countertest.Mem{}, Pod: "example"}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			fmt.Println(err)
		}
	})

	series := counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}
	for range 3 {
		n, err := a.Take(ctx, series)
		if err != nil {
			fmt.Println(err)
			continue
		}
		n.Offer() // from here on a row with it may exist
		fmt.Println("stored a row with number", n.Value())
		n.Spend()
	}

	stop()         // SIGTERM: what is left is handed back
	running.Wait() // nothing is held any more
	// Output:
	// stored a row with number 1
	// stored a row with number 2
	// stored a row with number 3
}

// A number that was certainly not used is returned, and is the next to be taken.
func ExampleNumber_Return() {
	a := &counter.Allocator{Config: counter.Config{Store: &countertest.Mem{}}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx) })
	defer running.Wait()
	defer stop()

	h := a.Handle(counter.Series{Tenant: "acme", Name: "invoice"})
	first, _ := h.Take(ctx)
	first.Return() // the request turned out to be a repeat
	again, _ := h.Take(ctx)
	again.Spend()
	fmt.Println(first.Value(), again.Value())
	// Output: 1 1
}

// A block lasts about ten seconds at the rate seen, and grows at most fourfold.
func ExampleNextSize() {
	var last int64 = 1
	for _, takes := range []int64{3, 1_000, 1_000, 1_000, 1_000, 1_000, 20} {
		last = counter.NextSize(last, counter.Demand{Takes: takes, Over: 1e10}, counter.Bounds{})
		fmt.Print(last, " ")
	}
	// Output: 1 4 16 64 256 1000 20
}

// A ledger is a value: its transitions return another.
func ExampleLedger_Reserve() {
	var l counter.Ledger // a series never used
	l, block, err := l.Reserve(counter.Want{Holder: "pod.1", Count: 10})
	fmt.Println(block.Range, l.Mark, err)
	l, err = l.Release(block, []counter.Range{{First: 8, Last: 10}}, block.At)
	fmt.Println(l.Free[0].Range, len(l.Held), err)
	// Output:
	// 1-10 10 <nil>
	// 8-10 0 <nil>
}
