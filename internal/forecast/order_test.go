package forecast

import (
	"fmt"
	"testing"
	"time"

	"folio/counter"
)

// book notes every number that a fleet gives, in order.
type book struct {
	numbers   []int64
	swaps     float64
	conflicts float64
}

func (b *book) took(_ time.Duration, _ int32, number int64, _ time.Duration) {
	b.numbers = append(b.numbers, number)
}
func (b *book) read(time.Duration, int32)  {}
func (b *book) asked(time.Duration, int32) {}
func (b *book) swapped(_ time.Duration, _ int32, _, _ counter.Ledger, share float64, done bool) {
	b.swaps += share
	if !done {
		b.conflicts += share
	}
}
func (b *book) noRoom() {}

// inOrder names the first number that is not the next one.
func inOrder(numbers []int64) error {
	for i, n := range numbers {
		if n != int64(i)+1 {
			return fmt.Errorf("request %d was given number %d", i+1, n)
		}
	}
	return nil
}

// once names a number that was given twice.
func once(numbers []int64) error {
	seen := make(map[int64]bool)
	for _, n := range numbers {
		if seen[n] {
			return fmt.Errorf("number %d was given twice", n)
		}
		seen[n] = true
	}
	return nil
}

// visits sends requests to replicas at random, one in every gap.
func visits(t *testing.T, replicas int, gap time.Duration, requests int) (*fleet, *book) {
	t.Helper()
	b := &book{}
	f := newFleet(1, 1, replicas, Conditions{}, b)
	var at time.Duration
	for range requests {
		at += gap
		f.take(at, place{replica: int32(f.random.IntN(replicas))})
	}
	f.pass(at + time.Second)
	if f.failed != nil {
		t.Fatal(f.failed)
	}
	if len(b.numbers) != requests {
		t.Fatalf("%d requests were given %d numbers", requests, len(b.numbers))
	}
	return f, b
}

// TestAQuietTenantsNumbersComeInOrderFromAnyReplica: nine requests in ten seconds
// are quiet even if one replica sees them all.
func TestAQuietTenantsNumbersComeInOrderFromAnyReplica(t *testing.T) {
	for _, replicas := range []int{2, 3, 100} {
		_, quiet := visits(t, replicas, 1200*time.Millisecond, 500)
		if err := inOrder(quiet.numbers); err != nil {
			t.Errorf("%d replicas: %v", replicas, err)
		}
	}
	_, busy := visits(t, 3, 10*time.Millisecond, 5000)
	if inOrder(busy.numbers) == nil {
		t.Error("the check finds a busy tenant's numbers in order too: it shows nothing")
	}
}

func TestNoNumberIsGivenTwice(t *testing.T) {
	for _, perSecond := range []int{1, 30, 300, 3000} {
		_, b := visits(t, 10, time.Second/time.Duration(perSecond), 6000)
		if err := once(b.numbers); err != nil {
			t.Errorf("%d a second: %v", perSecond, err)
		}
		if perSecond == 300 && b.conflicts == 0 {
			t.Error("no two replicas ever met at the store: the test shows nothing")
		}
	}
	if once([]int64{1, 2, 1}) == nil {
		t.Error("the check lets a number pass that was given twice")
	}
}

// unaccounted returns by how many the numbers up to the mark differ from those
// given, left on shelves, on their way there, and free.
func unaccounted(f *fleet, given int) int64 {
	l := f.ledgers[0]
	missing := l.Mark - int64(given)
	for _, r := range l.Free {
		missing -= r.Len()
	}
	for _, b := range l.Held {
		for i := range f.replicas {
			if f.replicas[i].name == b.Holder {
				missing -= left(f.untaken(place{replica: int32(i)}, b))
			}
		}
	}
	return missing
}

func left(ranges []counter.Range) (n int64) {
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

func TestEveryNumberOfTheModelIsAccountedFor(t *testing.T) {
	f, b := visits(t, 5, 5*time.Millisecond, 10_000)
	later := f.held.since
	for wait := range 100 {
		if n := unaccounted(f, len(b.numbers)); n != 0 {
			t.Fatalf("%d s later: %d numbers are neither given, held nor free", wait, n)
		}
		f.pass(later + time.Duration(wait)*time.Second)
	}
	if unaccounted(f, len(b.numbers)-1) != 1 {
		t.Error("the check does not miss a number")
	}
	if len(f.ledgers[0].Held) > 0 || f.held.value != 0 || len(f.places) != 0 {
		t.Errorf("held after a minute and a half: %v, %d numbers, %d shelves", f.ledgers[0].Held, f.held.value, len(f.places))
	}
	if len(f.ledgers[0].Free) == 0 {
		t.Error("nothing was handed back: the test shows nothing")
	}
}

// TestASpentBlockStaysUntilItsHolderComesAgain: a hundred replicas that were each
// asked once leave a hundred spent blocks in the ledger, for two minutes.
func TestASpentBlockStaysUntilItsHolderComesAgain(t *testing.T) {
	b := &book{}
	f := newFleet(1, 1, 100, Conditions{}, b)
	for r := range int32(100) {
		f.take(time.Duration(r)*100*time.Millisecond, place{replica: r})
	}
	f.pass(11 * time.Second)
	if n := len(f.ledgers[0].Held); n != 100 || f.held.value != 0 {
		t.Errorf("%d blocks with %d numbers, want 100 with none", n, f.held.value)
	}
	if n := valueBytes(f.ledgers[0]); n < 14_000 || n > 16_000 {
		t.Errorf("the value is %d bytes, want about 15,000: 150 a block", n)
	}
	f.pass(70 * time.Second)
	if n := len(f.ledgers[0].Held); n != 100 {
		t.Errorf("%d spent blocks after a minute, want 100 that wait for company", n)
	}
	f.pass(150 * time.Second)
	if n := len(f.ledgers[0].Held); n != 0 {
		t.Errorf("%d blocks are still there after two minutes and a half", n)
	}
	if b.swaps != 200+b.conflicts {
		t.Errorf("%.1f swaps, %.1f conflicts: want two swaps a number, one to reserve and one to hand back", b.swaps, b.conflicts)
	}
}
