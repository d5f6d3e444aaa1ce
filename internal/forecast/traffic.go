package forecast

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Traffic is how the customers of one tenant come over time.
type Traffic struct {
	Name string
	Long time.Duration
	Rate func(at time.Duration) float64 // requests per second
	Most float64                        // no rate is higher
}

// arrivals yields when requests come: at random, independently of each other, at
// the rate of the moment. The same seed gives the same requests.
func (t Traffic) arrivals(seed uint64) iter.Seq[time.Duration] {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(yield func(time.Duration) bool) {
		at := 0.0
		for {
			at += random.ExpFloat64() / t.Most
			when := time.Duration(at * float64(time.Second))
			if when >= t.Long {
				return
			}
			if random.Float64()*t.Most < t.Rate(when) && !yield(when) {
				return
			}
		}
	}
}

// Quiet is a tenant with two requests a minute.
func Quiet() Traffic { return Steady("quiet", 1.0/30, time.Hour) }

// Steady comes at one rate.
func Steady(name string, rate float64, long time.Duration) Traffic {
	return Traffic{Name: name, Long: long, Most: rate, Rate: func(time.Duration) float64 { return rate }}
}

// Ramp grows from nothing to 1,000 a second in ten minutes.
func Ramp() Traffic {
	const long, most = 10 * time.Minute, 1000.0
	return Traffic{Name: "ramp", Long: long, Most: most, Rate: func(at time.Duration) float64 {
		return most * at.Seconds() / long.Seconds()
	}}
}

// Burst is a quiet tenant, six requests a minute, with 5,000 within one second.
func Burst() Traffic {
	const begin, end = 2 * time.Minute, 2*time.Minute + time.Second
	return Traffic{Name: "burst", Long: 10 * time.Minute, Most: 5000, Rate: func(at time.Duration) float64 {
		if begin <= at && at < end {
			return 5000
		}
		return 0.1
	}}
}

// Wave is a day: 20 a second at noon, nothing at midnight.
func Wave() Traffic {
	const day, most = 24 * time.Hour, 20.0
	return Traffic{Name: "day and night", Long: day, Most: most, Rate: func(at time.Duration) float64 {
		return most * (1 - math.Cos(2*math.Pi*at.Hours()/day.Hours())) / 2
	}}
}

// Stop is a tenant with 200 a second for ten minutes, and then none.
func Stop() Traffic {
	return Traffic{Name: "stop", Long: 30 * time.Minute, Most: 200, Rate: func(at time.Duration) float64 {
		if at < 10*time.Minute {
			return 200
		}
		return 0
	}}
}

// Traffics returns the kinds of traffic that the tables compare.
func Traffics() []Traffic { return []Traffic{Quiet(), Ramp(), Burst(), Wave(), Stop()} }
