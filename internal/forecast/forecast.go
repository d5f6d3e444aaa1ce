package forecast

import (
	"math"
	"slices"
	"time"
)

// Forecast is what a crowd did to folio while it was measured.
type Forecast struct {
	Crowd
	Classes []Class // by the rate of the tenant, ascending

	HeldMean float64 // numbers reserved and not yet taken, of all series
	HeldMost int64
	NoRoom   int // blocks that could not be handed back when they were idle

	Waited     float64       // the share of requests that waited for the store
	WaitMedian time.Duration // of those that waited
	WaitP99    time.Duration
	WaitMost   time.Duration

	Store Store
	Death Death
}

// Class is what happened to the tenants of one range of rates.
type Class struct {
	From, To  float64 // requests per second
	Tenants   int
	Numbers   int64
	Swaps     float64 // transactions, those that met a conflict too; a share of those with others
	Reads     int64
	Conflicts float64
	Floors    int64 // times that Postgres was asked for the floor of a series
	Sent      int64 // bytes of values in transactions: what is compared and what is written
	Stored    int64 // bytes of values written, each a revision until compaction

	DistanceMean float64 // of a number from its place in the order of requests
	DistanceP99  int64
	DistanceMost int64
	distances    []int32

	ValueMean float64 // bytes of a ledger at the end
	ValueMost int
	HeldMost  int // blocks in one ledger at the end
}

// newClasses makes half-decades from a request in three hours to a thousand a second.
func newClasses() []Class {
	var classes []Class
	for i := lowest; i < highest; i++ {
		classes = append(classes, Class{From: math.Pow(10, float64(i)/2), To: math.Pow(10, float64(i+1)/2)})
	}
	return classes
}

// The exponents, in half-decades, of the lowest and the highest rate told apart.
const lowest, highest = -8, 8

func classOf(rate float64) uint8 {
	i := int(math.Floor(2*math.Log10(rate))) - lowest
	return uint8(min(max(i, 0), highest-lowest-1))
}

// Total adds up the classes' counts.
func (f Forecast) Total() Class {
	var t Class
	for _, c := range f.Classes {
		t.Tenants += c.Tenants
		t.Numbers += c.Numbers
		t.Swaps += c.Swaps
		t.Reads += c.Reads
		t.Conflicts += c.Conflicts
		t.Floors += c.Floors
		t.Sent += c.Sent
		t.Stored += c.Stored
		t.ValueMost = max(t.ValueMost, c.ValueMost)
		t.HeldMost = max(t.HeldMost, c.HeldMost)
		t.DistanceMost = max(t.DistanceMost, c.DistanceMost)
	}
	return t
}

// Rate is a count of the measured time as a rate.
func (f Forecast) Rate(count float64) float64 { return count / f.Long.Seconds() }

// SweepReads is how many reads a second it takes all replicas to look for dead
// holders, every ten seconds each: one page of the living, and one read per holder
// that holds something, and one past the last.
func (f Forecast) SweepReads() float64 {
	return float64(f.Replicas) * float64(f.Replicas+2) / 10
}

func (r *run) conclude() (Forecast, error) {
	s := &r.sum
	s.HeldMean, s.HeldMost = r.fleet.held.mean(), r.fleet.held.most
	for i := range s.Classes {
		s.Classes[i].order()
	}
	r.wait()
	r.weigh()
	err := r.kill()
	return *s, err
}

// order sums up the distances.
func (c *Class) order() {
	slices.Sort(c.distances)
	sum := 0.0
	for _, d := range c.distances {
		sum += float64(d)
	}
	if n := len(c.distances); n > 0 {
		c.DistanceMean = sum / float64(n)
		c.DistanceMost = int64(c.distances[n-1])
	}
	c.DistanceP99 = int64(quantile(c.distances, 0.99))
	c.distances = nil
}

func (r *run) wait() {
	slices.Sort(r.waits)
	from, _ := slices.BinarySearch(r.waits, 1)
	waited := r.waits[from:]
	r.sum.Waited = float64(len(waited)) / float64(max(1, len(r.waits)))
	r.sum.WaitMedian, r.sum.WaitP99, r.sum.WaitMost = quantile(waited, 0.5), quantile(waited, 0.99), quantile(waited, 1)
}
