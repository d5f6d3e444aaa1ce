package forecast

import (
	"time"

	"folio/counter"
)

// Rest is what a burst left behind, some time after it.
type Rest struct {
	After    time.Duration
	Held     int64 // numbers, by all replicas together
	Distance int64 // the farthest out of order since the last Rest
}

// Burst that Rests looks back on, and how many replicas serve its tenant.
const (
	BurstRequests = 5000 // within one second
	BurstReplicas = 3
)

// Rests serves a burst and then one request in every gap, each at any of three
// replicas, and looks at what is left after each of the times.
func Rests(seed uint64, gap time.Duration, times []time.Duration) ([]Rest, error) {
	o := &order{}
	f := newFleet(seed, 1, BurstReplicas, Conditions{}, o)
	var at time.Duration
	request := func(every time.Duration) {
		at += every
		f.take(at, place{replica: int32(f.random.IntN(BurstReplicas))})
	}
	for range BurstRequests {
		request(time.Second / BurstRequests)
	}
	burst := at
	var rests []Rest
	for _, t := range times {
		o.farthest = 0
		for at+gap <= burst+t {
			request(gap)
		}
		f.pass(burst + t)
		rests = append(rests, Rest{After: t, Held: f.held.value, Distance: o.farthest})
	}
	return rests, f.failed
}

// order follows how far numbers lie from their place.
type order struct{ given, farthest int64 }

func (o *order) took(_ time.Duration, _ int32, number int64, _ time.Duration) {
	o.given++
	o.farthest = max(o.farthest, number-o.given, o.given-number)
}

func (o *order) read(time.Duration, int32) {}

func (o *order) asked(time.Duration, int32) {}

func (o *order) swapped(time.Duration, int32, counter.Ledger, counter.Ledger, float64, bool) {}

func (o *order) noRoom() {}
