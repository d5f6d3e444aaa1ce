package counter

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MaxFree bounds the free ranges of a ledger, so that its value stays small.
// What does not fit stays held and is settled later.
const MaxFree = 64

// Ledger is the durable bookkeeping of one series. Each number from First to
// Mark lies in exactly one held block, or in exactly one free range, or in
// neither: then it is finished, and only the owner of the rows can say how.
//
// A Ledger is a value: its methods never change it or what its slices point
// to; the transitions return a new one. The zero Ledger is a series never used.
type Ledger struct {
	First  int64       // where numbers, and accounting, begin; 0 means 1
	Mark   int64       // the highest number ever reserved; never goes back
	Serial int64       // the serial of the latest block; never goes back
	Held   []Block     // in the order in which they were reserved
	Free   []FreeRange // ascending and apart from each other, at most MaxFree
}

// FreeRange is a range that is given again before the mark moves.
type FreeRange struct {
	Range
	At time.Time `json:"at"` // when the oldest that was joined to it was freed
}

// Range returns the numbers that the ledger accounts for; it is empty for a
// series never used.
func (l Ledger) Range() Range { return Range{First: l.first(), Last: l.Mark} }

func (l Ledger) first() int64 { return max(1, l.First) }

// Begin says where a series starts: first is the first number it will give. A
// ledger that was used keeps its own.
func (l Ledger) Begin(first int64) (Ledger, error) {
	if first > MaxNumber {
		return l, fmt.Errorf("begin at %d: the highest number is %d", first, int64(MaxNumber))
	}
	if first <= 1 || l.Serial > 0 || l.Mark > 0 {
		return l, nil
	}
	next := l.clone()
	next.First, next.Mark = first, first-1
	return next, nil
}

// Want says what a holder would like to reserve.
type Want struct {
	Holder string
	Era    string
	Count  int64     // numbers wanted, at least 1; fewer may be granted
	Limit  int64     // the last number of the series; 0 means MaxNumber
	At     time.Time // noted in the block, for people
}

// Reserve sets aside a block for w.Holder: from the lowest free range if there
// is one, else from above the mark. The block may be shorter than wanted, at
// the end of a free range or of the series; it is never empty. Its first number
// is computed from the old mark, so a clipped tail cannot repeat a number.
func (l Ledger) Reserve(w Want) (Ledger, Block, error) {
	if w.Holder == "" || w.Count < 1 {
		return l, Block{}, fmt.Errorf("reserve %d numbers for holder %q: want at least one number and a holder", w.Count, w.Holder)
	}
	limit := w.Limit
	if limit <= 0 || limit > MaxNumber {
		limit = MaxNumber
	}
	r, fromFree := l.next(limit)
	if r.Len() == 0 {
		return l, Block{}, ErrExhausted
	}
	if w.Count < r.Len() {
		r.Last = r.First + w.Count - 1
	}
	next := l.clone()
	next.Serial++
	if fromFree {
		next.takeFree(r)
	} else {
		next.Mark = r.Last
	}
	b := Block{Serial: next.Serial, Range: r, Holder: w.Holder, Era: w.Era, At: w.At}
	next.Held = append(next.Held, b)
	return next, b, nil
}

// next returns the range that the next block is cut from.
func (l Ledger) next(limit int64) (r Range, fromFree bool) {
	if len(l.Free) > 0 && l.Free[0].First <= limit {
		r = l.Free[0].Range
		r.Last = min(r.Last, limit)
		return r, true
	}
	return Range{First: l.Mark + 1, Last: limit}, false
}

// takeFree removes r, the beginning of the lowest free range, from l.Free.
func (l *Ledger) takeFree(r Range) {
	if r.Last == l.Free[0].Last {
		l.Free = l.Free[1:]
		return
	}
	l.Free[0].First = r.Last + 1
}

// Release is a living holder's hand-back of b: unused may be given again, every
// other number of b is spent. It is all or nothing: what has no room among the
// free ranges gives ErrNoRoom, and b stays with its holder.
func (l Ledger) Release(b Block, unused []Range, at time.Time) (Ledger, error) {
	next, done, err := l.conclude(b, unused, at)
	if err != nil {
		return l, err
	}
	if !done {
		return l, ErrNoRoom
	}
	return next, nil
}

// Settle ends b, whose holder is gone: free may be given again, every other
// number of b is spent, void or forfeited. When more ranges are free than a
// ledger holds (MaxFree), the lowest are freed and the rest of the block, from
// the first number that did not fit, stays held under the same serial: to
// settle that rest is a later call's work. ErrNoRoom: nothing fitted at all.
func (l Ledger) Settle(b Block, free []Range, at time.Time) (Ledger, error) {
	next, done, err := l.conclude(b, free, at)
	if err != nil {
		return l, err
	}
	if !done && next.Holds(b) {
		return l, ErrNoRoom
	}
	return next, nil
}

// conclude ends b and frees what it can, lowest first. done is false if some of
// free had no room; then what begins with it is still held.
func (l Ledger) conclude(b Block, free []Range, at time.Time) (next Ledger, done bool, err error) {
	i := slices.IndexFunc(l.Held, b.Is)
	if i < 0 {
		return l, false, fmt.Errorf("block %d of %s, %s: %w", b.Serial, b.Holder, b.Range, ErrNotHeld)
	}
	if err := within(b.Range, free); err != nil {
		return l, false, err
	}
	next = l.clone()
	for _, r := range free {
		if !next.addFree(FreeRange{Range: r, At: at}) {
			next.Held[i].First = r.First
			return next, false, nil
		}
	}
	next.Held = slices.Delete(next.Held, i, i+1)
	return next, true, nil
}

// addFree puts f among the free ranges, joined with its neighbours, and
// reports false, changing nothing, if there is no room for it.
func (l *Ledger) addFree(f FreeRange) bool {
	i, _ := slices.BinarySearchFunc(l.Free, f.First, func(have FreeRange, first int64) int {
		return cmp.Compare(have.First, first)
	})
	joinsLeft := i > 0 && l.Free[i-1].Last+1 == f.First
	joinsRight := i < len(l.Free) && f.Last+1 == l.Free[i].First
	switch {
	case joinsLeft && joinsRight:
		l.Free[i-1].Last = l.Free[i].Last
		l.Free[i-1].At = earlier(l.Free[i-1].At, earlier(f.At, l.Free[i].At))
		l.Free = slices.Delete(l.Free, i, i+1)
	case joinsLeft:
		l.Free[i-1].Last = f.Last
		l.Free[i-1].At = earlier(l.Free[i-1].At, f.At)
	case joinsRight:
		l.Free[i].First = f.First
		l.Free[i].At = earlier(l.Free[i].At, f.At)
	case len(l.Free) >= MaxFree:
		return false
	default:
		l.Free = slices.Insert(l.Free, i, f)
	}
	return true
}

// DropLate takes away the free ranges that were freed before a moment, and returns
// them. The caller has had them recorded as void before the ledger is replaced by
// the one that lacks them.
func (l Ledger) DropLate(before time.Time) (Ledger, []Range) {
	next := l.clone()
	var late []Range
	next.Free = slices.DeleteFunc(next.Free, func(f FreeRange) bool {
		if f.At.Before(before) {
			late = append(late, f.Range)
			return true
		}
		return false
	})
	return next, late
}

// SetAside reserves for w.Holder whatever could still be given up to mark: the
// free ranges as far as they lie there, and what lies between the old mark and
// mark, each as a block. The mark is then at least mark. Blocks that others hold
// stay theirs. w.Count and w.Limit play no part.
func (l Ledger) SetAside(w Want, mark int64) (Ledger, []Block, error) {
	if w.Holder == "" || mark > MaxNumber {
		return l, nil, fmt.Errorf("set aside up to %d for holder %q: want a holder, and at most %d", mark, w.Holder, int64(MaxNumber))
	}
	next := l.clone()
	var aside []Block
	add := func(r Range) {
		next.Serial++
		aside = append(aside, Block{Serial: next.Serial, Range: r, Holder: w.Holder, Era: w.Era, At: w.At})
	}
	for len(next.Free) > 0 && next.Free[0].First <= mark {
		r := Range{First: next.Free[0].First, Last: min(next.Free[0].Last, mark)}
		add(r)
		next.takeFree(r)
	}
	if mark > l.Mark {
		add(Range{First: l.Mark + 1, Last: mark})
		next.Mark = mark
	}
	next.Held = append(next.Held, aside...)
	return next, aside, nil
}

// SeekTo raises the mark to at least mark. The numbers skipped are in no block
// and not free: the caller has had them recorded as void before.
func (l Ledger) SeekTo(mark int64) (Ledger, error) {
	if mark > MaxNumber {
		return l, fmt.Errorf("seek to %d: the highest number is %d", mark, int64(MaxNumber))
	}
	next := l.clone()
	next.Mark = max(next.Mark, mark)
	return next, nil
}

// Holds reports whether b is held, by its whole identity.
func (l Ledger) Holds(b Block) bool { return slices.ContainsFunc(l.Held, b.Is) }

// HeldBy returns the blocks of one holder.
func (l Ledger) HeldBy(holder string) []Block {
	var own []Block
	for _, b := range l.Held {
		if b.Holder == holder {
			own = append(own, b)
		}
	}
	return own
}

// Equal reports whether l and other say the same.
func (l Ledger) Equal(other Ledger) bool {
	return l.first() == other.first() && l.Mark == other.Mark && l.Serial == other.Serial &&
		slices.EqualFunc(l.Held, other.Held, func(a, b Block) bool { return a.Is(b) && a.Era == b.Era && a.At.Equal(b.At) }) &&
		slices.EqualFunc(l.Free, other.Free, func(a, b FreeRange) bool { return a.Range == b.Range && a.At.Equal(b.At) })
}

func (l Ledger) clone() Ledger {
	l.Held = slices.Clone(l.Held)
	l.Free = slices.Clone(l.Free)
	return l
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
