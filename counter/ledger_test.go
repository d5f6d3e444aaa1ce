package counter_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"folio/counter"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func mustReserve(t *testing.T, l counter.Ledger, holder string, n int64) (counter.Ledger, counter.Block) {
	t.Helper()
	next, b, err := l.Reserve(counter.Want{Holder: holder, Count: n, At: noon})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Fatal(err)
	}
	return next, b
}

func mustRelease(t *testing.T, l counter.Ledger, b counter.Block, unused ...counter.Range) counter.Ledger {
	t.Helper()
	next, err := l.Release(b, unused, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestBlocksFollowEachOther(t *testing.T) {
	l, a := mustReserve(t, counter.Ledger{}, "a.1", 3)
	l, b := mustReserve(t, l, "b.1", 2)
	if a.Range != (counter.Range{First: 1, Last: 3}) || b.Range != (counter.Range{First: 4, Last: 5}) {
		t.Fatalf("got %s and %s", a.Range, b.Range)
	}
	if a.Serial != 1 || b.Serial != 2 || l.Mark != 5 || l.Serial != 2 {
		t.Fatalf("serials %d, %d; ledger %+v", a.Serial, b.Serial, l)
	}
}

func TestFreedNumbersAreUsedBeforeTheMarkMovesLowestFirst(t *testing.T) {
	l, a := mustReserve(t, counter.Ledger{}, "a.1", 10)
	l = mustRelease(t, l, a, counter.Range{First: 8, Last: 9}, counter.Range{First: 10, Last: 10})
	l, b := mustReserve(t, l, "b.1", 2)
	l, c := mustReserve(t, l, "b.1", 2)
	l, d := mustReserve(t, l, "b.1", 2)
	got := []counter.Range{b.Range, c.Range, d.Range}
	want := []counter.Range{{First: 8, Last: 9}, {First: 10, Last: 10}, {First: 11, Last: 12}}
	if !slices.Equal(got, want) || l.Mark != 12 {
		t.Fatalf("got %v, mark %d; want %v, mark 12", got, l.Mark, want)
	}
}

func TestAFreedRangeJoinsItsNeighbours(t *testing.T) {
	l, a := mustReserve(t, counter.Ledger{}, "a.1", 2)
	l, b := mustReserve(t, l, "a.1", 2)
	l, c := mustReserve(t, l, "a.1", 2)
	l = mustRelease(t, l, a, a.Range)
	l = mustRelease(t, l, c, c.Range)
	if len(l.Free) != 2 {
		t.Fatalf("free: %v", l.Free)
	}
	l = mustRelease(t, l, b, b.Range)
	if len(l.Free) != 1 || l.Free[0].Range != (counter.Range{First: 1, Last: 6}) {
		t.Fatalf("free: %v, want 1-6", l.Free)
	}
}

func TestAShortTailAtTheLimitRepeatsNoNumber(t *testing.T) {
	l, _ := mustReserve(t, counter.Ledger{}, "a.1", 7)
	l, tail, err := l.Reserve(counter.Want{Holder: "a.1", Count: 7, Limit: 10})
	if err != nil || tail.Range != (counter.Range{First: 8, Last: 10}) {
		t.Fatalf("got %s, %v; want 8-10", tail.Range, err)
	}
	if _, _, err := l.Reserve(counter.Want{Holder: "a.1", Count: 1, Limit: 10}); !errors.Is(err, counter.ErrExhausted) {
		t.Fatalf("got %v, want ErrExhausted", err)
	}
	l = mustRelease(t, l, tail, counter.Range{First: 9, Last: 9})
	if _, b, err := l.Reserve(counter.Want{Holder: "b.1", Count: 5, Limit: 10}); err != nil || b.Range != (counter.Range{First: 9, Last: 9}) {
		t.Fatalf("got %s, %v; want the returned 9", b.Range, err)
	}
}

func TestTheLastNumberOfAllIsGivenOnce(t *testing.T) {
	l := counter.Ledger{Mark: counter.MaxNumber - 1}
	l, b, err := l.Reserve(counter.Want{Holder: "a.1", Count: 1_000_000})
	if err != nil || b.First != counter.MaxNumber || b.Last != counter.MaxNumber {
		t.Fatalf("got %s, %v", b.Range, err)
	}
	if _, _, err := l.Reserve(counter.Want{Holder: "a.1", Count: 1}); !errors.Is(err, counter.ErrExhausted) {
		t.Fatalf("got %v, want ErrExhausted", err)
	}
}

func TestABlockIsKnownBySerialHolderAndRange(t *testing.T) {
	l, b := mustReserve(t, counter.Ledger{}, "a.1", 3)
	for name, other := range map[string]counter.Block{
		"serial": {Serial: b.Serial + 1, Holder: b.Holder, Range: b.Range},
		"holder": {Serial: b.Serial, Holder: "a.2", Range: b.Range},
		"range":  {Serial: b.Serial, Holder: b.Holder, Range: counter.Range{First: 1, Last: 2}},
	} {
		if l.Holds(other) {
			t.Errorf("a block of another %s is taken for the same", name)
		}
		if _, err := l.Release(other, nil, noon); !errors.Is(err, counter.ErrNotHeld) {
			t.Errorf("releasing a block of another %s: %v, want ErrNotHeld", name, err)
		}
	}
}

func TestANumberOutsideTheBlockIsNotFreed(t *testing.T) {
	l, b := mustReserve(t, counter.Ledger{}, "a.1", 3)
	for _, free := range [][]counter.Range{
		{{First: 3, Last: 4}}, {{First: 0, Last: 1}}, {{First: 2, Last: 1}}, {{First: 2, Last: 2}, {First: 1, Last: 1}}, {{First: 1, Last: 2}, {First: 2, Last: 3}},
	} {
		if _, err := l.Settle(b, free, noon); err == nil {
			t.Errorf("free %v of block %s: no error", free, b.Range)
		}
	}
}

// A block of which every second number is free has more ranges than fit.
func everySecond(b counter.Block) (free []counter.Range) {
	for n := b.First; n <= b.Last; n += 2 {
		free = append(free, counter.Range{First: n, Last: n})
	}
	return free
}

func TestWhatDoesNotFitStaysHeldAndIsSettledLater(t *testing.T) {
	l, b := mustReserve(t, counter.Ledger{}, "a.1", 200)
	l, err := l.Settle(b, everySecond(b), noon)
	if err != nil {
		t.Fatal(err)
	}
	rest := l.HeldBy("a.1")
	if len(l.Free) != counter.MaxFree || len(rest) != 1 || rest[0].Range != (counter.Range{First: 129, Last: 200}) || rest[0].Serial != b.Serial {
		t.Fatalf("free %d ranges, held %v", len(l.Free), rest)
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Settle(rest[0], everySecond(rest[0]), noon); !errors.Is(err, counter.ErrNoRoom) {
		t.Fatalf("got %v, want ErrNoRoom", err)
	}
	for range counter.MaxFree {
		l, _ = mustReserve(t, l, "b.1", 1)
	}
	if l, err = l.Settle(rest[0], everySecond(rest[0]), noon); err != nil || len(l.HeldBy("a.1")) != 0 {
		t.Fatalf("held %v, %v", l.HeldBy("a.1"), err)
	}
}

func TestAHandBackThatDoesNotFitChangesNothing(t *testing.T) {
	l, b := mustReserve(t, counter.Ledger{}, "a.1", 200)
	got, err := l.Release(b, everySecond(b), noon)
	if !errors.Is(err, counter.ErrNoRoom) || !got.Equal(l) {
		t.Fatalf("got %+v, %v; want the ledger unchanged and ErrNoRoom", got, err)
	}
}

func TestATransitionLeavesTheOldLedgerAlone(t *testing.T) {
	l, b := mustReserve(t, counter.Ledger{}, "a.1", 10)
	l, _ = mustReserve(t, l, "b.1", 10)
	l = mustRelease(t, l, b, counter.Range{First: 2, Last: 3}, counter.Range{First: 5, Last: 6})
	held, free := slices.Clone(l.Held), slices.Clone(l.Free)
	first, _ := mustReserve(t, l, "c.1", 1)
	second, _ := mustReserve(t, l, "d.1", 1)
	mustRelease(t, first, l.Held[0])
	if _, err := second.SeekTo(99); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.Held, held) || !slices.Equal(l.Free, free) || l.Mark != 20 {
		t.Fatalf("the old ledger became %+v", l)
	}
	if first.Held[1].Holder != "c.1" || second.Held[1].Holder != "d.1" {
		t.Fatalf("two ledgers share memory: %v, %v", first.Held, second.Held)
	}
}

func TestTheMarkNeverGoesBack(t *testing.T) {
	l, err := counter.Ledger{Mark: 10}.SeekTo(5)
	if err != nil || l.Mark != 10 {
		t.Fatalf("mark %d, %v; want 10", l.Mark, err)
	}
	if l, err = l.SeekTo(12); err != nil || l.Mark != 12 {
		t.Fatalf("mark %d, %v; want 12", l.Mark, err)
	}
	if _, err := l.SeekTo(counter.MaxNumber + 1); err == nil {
		t.Fatal("a mark beyond every number was accepted")
	}
}

func TestCheckObjectsToBrokenLedgers(t *testing.T) {
	for name, l := range map[string]counter.Ledger{
		"negative mark":          {Mark: -1},
		"mark too high":          {Mark: counter.MaxNumber + 1},
		"negative first":         {First: -1},
		"mark below the first":   {First: 5, Mark: 3},
		"free below the first":   {First: 5, Mark: 6, Free: []counter.FreeRange{free(4, 4)}},
		"negative serial":        {Serial: -1},
		"block above the mark":   {Mark: 5, Serial: 1, Held: []counter.Block{held(1, 4, 6)}},
		"block from zero":        {Mark: 5, Serial: 1, Held: []counter.Block{held(1, 0, 2)}},
		"empty block":            {Mark: 5, Serial: 1, Held: []counter.Block{held(1, 3, 2)}},
		"serial from the future": {Mark: 5, Serial: 1, Held: []counter.Block{held(2, 1, 2)}},
		"serial twice":           {Mark: 5, Serial: 2, Held: []counter.Block{held(1, 1, 2), held(1, 3, 4)}},
		"blocks overlap":         {Mark: 5, Serial: 2, Held: []counter.Block{held(1, 1, 3), held(2, 3, 4)}},
		"block overlaps free":    {Mark: 5, Serial: 1, Held: []counter.Block{held(1, 1, 3)}, Free: []counter.FreeRange{free(3, 4)}},
		"free above the mark":    {Mark: 5, Free: []counter.FreeRange{free(5, 6)}},
		"free out of order":      {Mark: 9, Free: []counter.FreeRange{free(5, 6), free(1, 2)}},
		"free not joined":        {Mark: 9, Free: []counter.FreeRange{free(1, 2), free(3, 4)}},
		"nameless holder":        {Mark: 5, Serial: 1, Held: []counter.Block{{Serial: 1, Range: counter.Range{First: 1, Last: 2}}}},
		"too many free":          {Mark: 999, Free: slices.Repeat([]counter.FreeRange{free(1, 1)}, counter.MaxFree+1)},
	} {
		if err := l.Check(); !errors.Is(err, counter.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
	if err := (counter.Ledger{}).Check(); err != nil {
		t.Errorf("the zero ledger: %v", err)
	}
}

func held(serial, first, last int64) counter.Block {
	return counter.Block{Serial: serial, Range: counter.Range{First: first, Last: last}, Holder: "a.1"}
}

func free(first, last int64) counter.FreeRange {
	return counter.FreeRange{Range: counter.Range{First: first, Last: last}}
}

func TestASeriesBeginsAtItsFirstNumber(t *testing.T) {
	l, err := counter.Ledger{}.Begin(101)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if n := l.Range().Len(); n != 0 {
		t.Errorf("%d numbers to account for before the first was given", n)
	}
	l, b, err := l.Reserve(counter.Want{Holder: "a.1", Count: 3})
	if err != nil || b.First != 101 || b.Last != 103 {
		t.Fatalf("got %v, %v; want 101-103", b.Range, err)
	}
	if again, err := l.Begin(500); err != nil || !again.Equal(l) {
		t.Errorf("a series in use began again: %+v, %v", again, err)
	}
	if _, err := (counter.Ledger{}).Begin(counter.MaxNumber + 1); err == nil {
		t.Error("a series began above the highest number")
	}
}

func TestSettingAsideLeavesNothingToGiveUpToTheMark(t *testing.T) {
	l := counter.Ledger{Mark: 10, Serial: 2, Held: []counter.Block{held(2, 3, 4)}, Free: []counter.FreeRange{free(1, 2), free(7, 8)}}
	next, aside, err := l.SetAside(counter.Want{Holder: "b.1", Era: "e"}, 20)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Fatal(err)
	}
	if len(next.Free) != 0 || next.Mark != 20 || len(next.Held) != 4 || next.Serial != 5 {
		t.Fatalf("got %+v", next)
	}
	for i, want := range []counter.Range{{First: 1, Last: 2}, {First: 7, Last: 8}, {First: 11, Last: 20}} {
		if b := aside[i]; b.Range != want || b.Holder != "b.1" || b.Era != "e" || b.Serial != int64(i)+3 {
			t.Errorf("set aside %+v, want %s", b, want)
		}
	}
	if _, b, err := next.Reserve(counter.Want{Holder: "c.1", Count: 1}); err != nil || b.First != 21 {
		t.Errorf("then %v, %v; want 21", b.Range, err)
	}
	if _, none, err := next.SetAside(counter.Want{Holder: "b.1"}, 5); err != nil || none != nil {
		t.Errorf("below the mark and with nothing free: %v, %v", none, err)
	}
	if next, cut, err := l.SetAside(counter.Want{Holder: "b.1"}, 7); err != nil || len(cut) != 2 || cut[1].Last != 7 || next.Free[0].First != 8 || next.Mark != 10 {
		t.Errorf("in the middle of a free range: %v, %+v, %v", cut, next, err)
	}
	if _, _, err := l.SetAside(counter.Want{}, 20); err == nil {
		t.Error("set aside for nobody")
	}
}
