package counter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

func TestFiguresTellWhatBecameOfNumbersAndBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refills []time.Duration
		m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
			return countertest.Fault{Delay: 10 * time.Millisecond}
		}}
		r := run(t, counter.Config{
			Store: m, Rules: rules(counter.Rules{Bounds: counter.Bounds{Min: 4}}),
			Refilled: func(took time.Duration) { refills = append(refills, took) },
		})
		want := func(when string, taken, spent, returned int64, blocks counter.Blocks) {
			t.Helper()
			s := r.Stats()
			if s.Taken != taken || s.Spent != spent || s.Returned != returned || s.Blocks != blocks {
				t.Errorf("%s: %d taken, %d spent, %d returned, blocks %+v; want %d, %d, %d, %+v",
					when, s.Taken, s.Spent, s.Returned, s.Blocks, taken, spent, returned, blocks)
			}
		}
		numbers := r.takeN(4)
		want("all of a block are taken", 4, 0, 0, counter.Blocks{Waiting: 1})
		numbers[3].Return()
		want("one was given back", 4, 0, 1, counter.Blocks{Open: 1})
		again := r.take()
		want("and is taken again", 5, 0, 1, counter.Blocks{Waiting: 1})
		again.Spend()
		for _, n := range numbers[:3] {
			n.Spend()
		}
		want("all are spent", 5, 4, 1, counter.Blocks{Spent: 1})
		r.take().Spend()
		want("the next block took its place", 6, 5, 1, counter.Blocks{Open: 1})
		if len(refills) != 2 || refills[0] < 20*time.Millisecond {
			t.Errorf("the refills took %v, want two, each a read and a swap of 10 ms", refills)
		}
		r.take().Return()
		r.stop()
		want("all is handed back", 7, 5, 2, counter.Blocks{})
	})
}
