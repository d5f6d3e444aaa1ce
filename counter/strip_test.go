package counter

import (
	"testing"
	"unsafe"
)

const cacheLine = 64

// A strip of two lines, or one that begins in the middle of one, would double what
// a take waits for; so would a shelf whose way to the next strip is on two.
func TestAStripIsACacheLineOfItsOwnInABlockOfAnySize(t *testing.T) {
	if size := unsafe.Sizeof(strip{}); size != cacheLine {
		t.Fatalf("a strip has %d bytes, want %d", size, cacheLine)
	}
	for _, numbers := range []int64{1, 96, 97, 500, 1_600, 60_000, maxBlock} {
		st := stockOf(numbers)
		for _, offset := range []int64{0, numbers / 2, numbers - 1} {
			if at := uintptr(unsafe.Pointer(st.strip(placeOf(offset)))); at%cacheLine != 0 {
				t.Errorf("block of %d: the strip of number %d begins %d bytes into a cache line", numbers, offset, at%cacheLine)
			}
		}
	}
	var sh shelf
	if end := unsafe.Offsetof(sh.queue) + unsafe.Sizeof(sh.queue); end > cacheLine {
		t.Errorf("what leads from one strip to the next ends %d bytes into the shelf, want at most %d", end, cacheLine)
	}
}

func TestAStripIsMadeWhenItIsNeeded(t *testing.T) {
	st := stockOf(maxBlock)
	for range perStrip + 1 {
		st.take()
	}
	if made := stripsOf(st); made != 2 {
		t.Errorf("%d strips for %d numbers, want 2", made, perStrip+1)
	}
}

func TestAStripIsDroppedOnlyWhenAllItsNumbersAreSpent(t *testing.T) {
	const numbers = 2*perStrip + 10
	st := stockOf(numbers)
	var taken []Number
	for range numbers {
		taken = append(taken, st.take())
	}
	last := len(taken) - 1
	for _, n := range taken[1:last] {
		n.Spend()
	}
	for _, c := range []struct {
		spend         int
		strips, spent int
		drained       bool
	}{
		{spend: 1, strips: 3, spent: numbers - 2}, // again: it says nothing new
		{spend: 0, strips: 1, spent: numbers - 1},
		{spend: last, strips: 0, spent: numbers, drained: true},
	} {
		taken[c.spend].Spend()
		if got := st.drained(); got != c.drained {
			t.Errorf("after number %d: drained is %t, want %t", c.spend, got, c.drained)
		}
		if strips, spent := stripsOf(st), st.spent(); strips != c.strips || spent != int64(c.spent) {
			t.Errorf("after number %d: %d strips and %d spent, want %d and %d", c.spend, strips, spent, c.strips, c.spent)
		}
	}
}

func TestWhatIsSaidOfANumberWhoseStripIsDroppedIsIgnored(t *testing.T) {
	st := stockOf(perStrip)
	for range perStrip {
		st.take().Spend()
	}
	n := Number{on: st.strips[0], at: placeOf(7)}
	st.dropSpent()
	n.Doubt()
	n.Offer()
	n.Return()
	if found := st.survey(); !found.clean() || found.unused != nil || st.left() != 0 || st.spent() != perStrip {
		t.Errorf("after all that: %+v, %d left, %d spent", found, st.left(), st.spent())
	}
}

func stockOf(numbers int64) *stock {
	sh := &shelf{life: &life{a: &Allocator{}}}
	st := newStock(Block{Range: Range{First: 1, Last: numbers}}, sh)
	sh.stocks.insert(st)
	return st
}

// stripsOf counts the strips that are in memory.
func stripsOf(st *stock) (n int) {
	for _, s := range st.strips {
		if s != nil {
			n++
		}
	}
	return n
}

// What was offered is handed back only if it is proven, for each time it was offered,
// that no row came of it.
func TestAnOfferIsForgottenOnlyWhenEachIsProvenToHaveLeftNoRow(t *testing.T) {
	for _, c := range []struct {
		name  string
		says  []func(Number)
		stuck bool
	}{
		{"proven", []func(Number){Number.ReturnProven}, false},
		{"proven twice", []func(Number){Number.ReturnProven, Number.ReturnProven}, false},
		{"said", []func(Number){Number.Return}, true},
		{"said, then proven", []func(Number){Number.Return, Number.ReturnProven}, true},
		{"proven, then said", []func(Number){Number.ReturnProven, Number.Return}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := stockOf(10)
			for _, say := range c.says {
				n := st.take()
				n.Offer()
				say(n)
			}
			if got := st.survey(); (got.stuck != nil) != c.stuck || got.out != 0 {
				t.Errorf("%+v, want stuck %v and nothing out", got, c.stuck)
			}
		})
	}
}
