package forecast

import "time"

// gauge follows one value over time: its mean, its peak, and its peak within each
// of equal intervals, all three exact. The zero gauge begins at time 0 with 0 and
// keeps no intervals.
type gauge struct {
	Every time.Duration // the length of an interval; 0: none are kept
	Peaks []int64       // the most in each interval

	value, most int64
	area        float64 // of value over seconds
	from, since time.Duration
}

// set notes that the value is v from at on.
func (g *gauge) set(at time.Duration, v int64) {
	g.pass(at)
	g.value = v
	g.most = max(g.most, v)
	g.peak(at)
}

// pass notes that the value has not changed up to at.
func (g *gauge) pass(at time.Duration) {
	g.area += float64(g.value) * (at - g.since).Seconds()
	if g.Every > 0 {
		for t := g.since - g.since%g.Every + g.Every; t < at; t += g.Every {
			g.peak(t)
		}
	}
	g.since = at
}

func (g *gauge) peak(at time.Duration) {
	if g.Every <= 0 {
		return
	}
	i := int(at / g.Every)
	for len(g.Peaks) <= i {
		g.Peaks = append(g.Peaks, g.value)
	}
	g.Peaks[i] = max(g.Peaks[i], g.value)
}

// restart forgets mean and peak up to at: a warm-up is over.
func (g *gauge) restart(at time.Duration) {
	g.pass(at)
	g.area, g.from, g.most = 0, at, g.value
}

// mean returns the mean over the time that has passed.
func (g *gauge) mean() float64 {
	passed := (g.since - g.from).Seconds()
	if passed <= 0 {
		return float64(g.value)
	}
	return g.area / passed
}
