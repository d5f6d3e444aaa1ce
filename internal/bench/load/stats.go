package load

import (
	"math"
	"slices"
	"time"
)

// Summary is what the rounds of one figure say.
type Summary struct {
	Rounds int     `json:"rounds"`
	Least  float64 `json:"least"`
	Median float64 `json:"median"`
	Most   float64 `json:"most"`
}

// Summarise returns the summary of values; of none, all is 0.
func Summarise(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	return Summary{Rounds: len(values), Least: slices.Min(values), Median: Median(values), Most: slices.Max(values)}
}

// Spread is how far the rounds lie apart, as a share of their median.
func (s Summary) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.Most - s.Least) / s.Median
}

// Median returns the middle value, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Ratios returns a[i] / b[i], of rounds that ran side by side: whatever slowed the
// machine in one round slowed both. Rounds that either lacks are left out, and so are
// those in which b is 0.
func Ratios(a, b []float64) []float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			ratios = append(ratios, a[i]/b[i])
		}
	}
	return ratios
}

// Latencies are the quantiles of how long requests took, in seconds.
type Latencies struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Most  float64 `json:"most"`
}

// Quantiles returns the quantiles of took, which it sorts.
func Quantiles(took []time.Duration) Latencies {
	slices.Sort(took)
	return Latencies{
		Count: len(took), P50: quantile(took, 0.5), P90: quantile(took, 0.9),
		P99: quantile(took, 0.99), P999: quantile(took, 0.999), Most: quantile(took, 1),
	}
}

// quantile is the least of the sorted values that share of all do not exceed (nearest
// rank), in seconds; 0 of none.
func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(share * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1].Seconds()
}
