package counter

import (
	"context"
	"time"
)

// Knower is an [Owner] that can say which numbers are spent, of ranges that nobody
// holds. An Owner need not be one.
type Knower interface {
	// Spent returns the numbers of ranges that are known to be spent, ascending and
	// apart. Ranges are ascending and apart, too.
	Spent(ctx context.Context, s Series, ranges []Range) ([]Range, error)
}

// takeOut takes the free numbers that are spent out of a ledger, as one that was put
// back to an older state has. The rows are read after the ledger, and the swap
// compares its whole value: so nobody has reserved any of them in between, and what
// is still free has no row.
func (l *life) takeOut(ctx context.Context, s Series) error {
	owner, ok := l.a.Config.Owner.(Knower)
	if !ok {
		return nil
	}
	var want Ledger // to which the latest attempt brings the ledger
	c := l.change(s)
	c.applied = func(led Ledger) bool { return led.Equal(want) }
	c.next = func(ctx context.Context, led Ledger, _ Version) (Ledger, error) {
		if len(led.Free) == 0 {
			return led, errNoChange
		}
		spent, err := owner.Spent(ctx, s, led.freeRanges())
		if err != nil {
			return led, unavailable(s, err)
		}
		want = led.TakeOut(spent, Want{Holder: l.holder.Name, Era: l.era, At: time.Now().UTC()})
		if want.Equal(led) {
			return led, errNoChange
		}
		return want, nil
	}
	return c.run(ctx)
}

func (l Ledger) freeRanges() []Range {
	all := make([]Range, len(l.Free))
	for i, f := range l.Free {
		all[i] = f.Range
	}
	return all
}

// TakeOut takes spent numbers, ascending and apart, out of the free ranges. Where that
// leaves more pieces than a ledger may have, the rest of the free range is a block of
// w.Holder, to be settled with its holder. w.Count and w.Limit play no part.
func (l Ledger) TakeOut(spent []Range, w Want) Ledger {
	next := l.clone()
	next.Free = nil
	for i, f := range l.Free {
		room := MaxFree - len(next.Free) - (len(l.Free) - i - 1) // at least 1: each free range behind it keeps a place
		rest := minus(f.Range, spent)
		if len(rest) > room {
			next.Serial++
			next.Held = append(next.Held, Block{
				Serial: next.Serial, Range: Range{First: rest[room].First, Last: f.Last}, Holder: w.Holder, Era: w.Era, At: w.At,
			})
			rest = rest[:room]
		}
		for _, r := range rest {
			next.Free = append(next.Free, FreeRange{Range: r, At: f.At})
		}
	}
	return next
}

// minus returns what is left of r without parts, which are ascending and apart.
func minus(r Range, parts []Range) []Range {
	var left []Range
	for _, p := range parts {
		switch {
		case p.Last < r.First:
			continue
		case p.First > r.Last:
			return append(left, r)
		case p.First > r.First:
			left = append(left, Range{First: r.First, Last: p.First - 1})
		}
		if r.First = p.Last + 1; r.Len() == 0 {
			return left
		}
	}
	return append(left, r)
}
