package counter

import "time"

const (
	window     = 10 * time.Second // a block should last this long
	quietTakes = 10               // fewer takes than this in a window: blocks of one
	maxGrowth  = 4                // from one block to the next
	maxBlock   = 1_000_000        // numbers in a block, unless a series says less

	surplusWindows = 6  // numbers that last longer than so many windows are more than a series needs
	surplusLooks   = 12 // looks at an allocator's shelves, a minute in all, that find it so before they are handed back

	refillAhead    = 10                    // a refill begins when less is left than this many refills last
	refillAheadMin = 50 * time.Millisecond // but at least this long ahead
)

// Bounds are the fewest and the most numbers that a series reserves at once. The
// zero Bounds are 1 and 1,000,000.
type Bounds struct{ Min, Max int64 }

func (b Bounds) clamp(size int64) int64 {
	most := b.Max
	if most <= 0 || most > maxBlock {
		most = maxBlock
	}
	return min(max(size, b.Min, 1), most)
}

// Demand is the takes of one series counted over the last ten seconds, or over
// as much of them as has passed since its first take.
type Demand struct {
	Takes int64
	Over  time.Duration
}

// PerSecond returns the rate, taking less than a second for a whole one: a
// single take is no rate of a thousand a second.
func (d Demand) PerSecond() float64 {
	return float64(d.Takes) / max(d.Over, time.Second).Seconds()
}

func (d Demand) quiet() bool { return d.Takes < quietTakes }

// NextSize returns how many numbers to reserve next, given the size of the last
// block. A block should last ten seconds at the rate seen; it grows at most
// fourfold, shrinks at once, and is as short as it may be for a quiet series, so
// that its numbers come in order whichever replica is asked.
func NextSize(last int64, seen Demand, b Bounds) int64 {
	if seen.quiet() {
		return b.clamp(1)
	}
	size := int64(seen.PerSecond() * window.Seconds())
	return b.clamp(min(size, maxGrowth*max(1, last)))
}

// Ahead returns how many numbers must be left for no refill to be due yet: what
// is taken during ten refills as long as the last one, and at least during 50 ms.
// A quiet series never fetches ahead: its next number belongs to whichever
// replica is asked next.
func Ahead(seen Demand, refill time.Duration) int64 {
	if seen.quiet() {
		return 0
	}
	return int64(seen.PerSecond() * max(refillAheadMin, refillAhead*refill).Seconds())
}

// Surplus reports whether left numbers would last much longer than a block should
// at the rate seen: what a burst left behind. A series in which they would for a
// minute is handed back, as an idle one is.
func Surplus(left int64, seen Demand, b Bounds) bool {
	return left > surplusWindows*NextSize(left, seen, b)
}
