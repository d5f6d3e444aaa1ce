package counter

import (
	"cmp"
	"fmt"
	"slices"
)

// Check returns an error that wraps [ErrDamaged] unless l is a ledger that the
// transitions can have produced: held blocks and free ranges lie in First..Mark and
// nowhere overlap, serials are in use once and not above Serial.
func (l Ledger) Check() error {
	if l.First < 0 || l.Mark < 0 || l.Mark > MaxNumber || l.Serial < 0 {
		return damaged("first %d, mark %d, serial %d: out of bounds", l.First, l.Mark, l.Serial)
	}
	if l.Mark < l.first()-1 {
		return damaged("mark %d lies below the first number, %d", l.Mark, l.First)
	}
	if len(l.Free) > MaxFree {
		return damaged("%d free ranges, at most %d", len(l.Free), MaxFree)
	}
	if err := l.checkSerials(); err != nil {
		return err
	}
	return l.checkRanges()
}

func (l Ledger) checkSerials() error {
	seen := make(map[int64]bool, len(l.Held))
	for _, b := range l.Held {
		if b.Holder == "" {
			return damaged("block %d has no holder", b.Serial)
		}
		if b.Serial < 1 || b.Serial > l.Serial || seen[b.Serial] {
			return damaged("block serial %d is repeated or above %d", b.Serial, l.Serial)
		}
		seen[b.Serial] = true
	}
	return nil
}

func (l Ledger) checkRanges() error {
	all := make([]Range, 0, len(l.Held)+len(l.Free))
	for _, f := range l.Free {
		all = append(all, f.Range)
	}
	for i := 1; i < len(l.Free); i++ {
		if l.Free[i].First <= l.Free[i-1].Last+1 {
			return damaged("free ranges %s and %s are not apart and ascending", l.Free[i-1].Range, l.Free[i].Range)
		}
	}
	for _, b := range l.Held {
		all = append(all, b.Range)
	}
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	if err := within(l.Range(), all); err != nil {
		return damaged("%v", err)
	}
	return nil
}

// within returns an error unless parts are non-empty, ascending, disjoint and
// inside whole.
func within(whole Range, parts []Range) error {
	last := whole.First - 1
	for _, r := range parts {
		if r.Len() == 0 || r.First <= last || r.Last > whole.Last {
			return fmt.Errorf("range %d-%d is empty, overlaps another, or leaves %s", r.First, r.Last, whole)
		}
		last = r.Last
	}
	return nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
