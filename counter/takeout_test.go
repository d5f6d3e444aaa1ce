package counter_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"folio/counter"
	"folio/counter/countertest"
)

// A free number that is spent is finished, any other stays free or is in a block of
// the tool's, and nothing else changes.
func TestSpentNumbersAreTakenOutOfWhatIsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l counter.Ledger
		n := int64(1)
		for range rapid.IntRange(0, counter.MaxFree).Draw(t, "free ranges") {
			n += rapid.Int64Range(1, 3).Draw(t, "gap")
			r := counter.Range{First: n, Last: n + rapid.Int64Range(0, 12).Draw(t, "length")}
			l.Free, n = append(l.Free, counter.FreeRange{Range: r}), r.Last+1
		}
		l.Mark, l.Serial = n+5, 7
		l.Held = []counter.Block{{Serial: 3, Range: counter.Range{First: n + 2, Last: n + 4}, Holder: "a.1"}}
		isSpent := make(map[int64]bool)
		var spent []counter.Range
		draw := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		share := rapid.Float64Range(0, 1).Draw(t, "share that is spent")
		for i := int64(1); i <= l.Mark; i++ {
			if draw.Float64() < share {
				isSpent[i], spent = true, append(spent, counter.Range{First: i, Last: i})
			}
		}
		next := l.TakeOut(spent, counter.Want{Holder: "tool.1"})
		if err := next.Check(); err != nil {
			t.Fatalf("%v: %+v", err, next)
		}
		if next.Mark != l.Mark || len(next.HeldBy("a.1")) != 1 {
			t.Fatalf("more was changed: %+v", next)
		}
		for i := int64(1); i <= l.Mark; i++ {
			was, is := stateIn(l, i), stateIn(next, i)
			ours := false
			for _, b := range next.HeldBy("tool.1") {
				ours = ours || b.Contains(i)
			}
			switch {
			case was != "free" && is == was:
			case was == "free" && isSpent[i] && (is == "finished" || ours):
			case was == "free" && !isSpent[i] && (is == "free" || ours):
			default:
				t.Fatalf("number %d, spent %t, was %s and is %s", i, isSpent[i], was, is)
			}
		}
	})
}

func TestWhatAnOlderLedgerCallsFreeAndHasARowIsFreeNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rows := &countertest.Mem{}, &countertest.Rows{}
		a := run(t, counter.Config{Store: m, Owner: rows})
		for range 40 {
			if err := store(rows, a.take()); err != nil {
				t.Fatal(err)
			}
		}
		a.stop()
		older := ledgerOf(t, m)
		if len(older.Free) == 0 {
			t.Fatal("nothing is free: the test shows nothing")
		}
		text := m.Text(invoices)
		written(t, m, rows, 2)
		m.Put(invoices, text)
		tool := run(t, counter.Config{Store: m, Owner: rows, Pod: "rebuild"})
		if _, err := tool.Raise(t.Context(), invoices); err != nil {
			t.Fatal(err)
		}
		got := ledgerOf(t, m)
		if got.Free[0].First != older.Free[0].First+2 || got.Mark != older.Mark {
			t.Errorf("free are %v, mark %d; were %v, mark %d, and two of them have rows", got.Free, got.Mark, older.Free, older.Mark)
		}
		r := run(t, counter.Config{Store: m, Owner: rows})
		if err := store(rows, r.take()); err != nil {
			t.Errorf("the next number had a row: %v", err)
		}
	})
}
