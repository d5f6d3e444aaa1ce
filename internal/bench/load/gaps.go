package load

import (
	"cmp"
	"slices"
	"time"
)

// Gap is a while in which no answer came on any connection.
type Gap struct {
	At     float64 `json:"at"`     // seconds from the beginning of the window
	Length float64 `json:"length"` // seconds
}

// gapsKept is how many gaps a Result has.
const gapsKept = 5

// longestGaps are the longest gaps of a window, longest first, given when answers came,
// from its beginning. It sorts them. The ends of the window bound a gap as an answer does.
func longestGaps(answers []time.Duration, window time.Duration) []Gap {
	slices.Sort(answers)
	var gaps []Gap
	last := time.Duration(0)
	for _, at := range append(answers, window) {
		if at > last {
			gaps = append(gaps, Gap{At: last.Seconds(), Length: (at - last).Seconds()})
			last = at
		}
	}
	slices.SortStableFunc(gaps, func(a, b Gap) int { return cmp.Compare(b.Length, a.Length) })
	return gaps[:min(len(gaps), gapsKept)]
}
