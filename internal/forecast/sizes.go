package forecast

import (
	"fmt"
	"math"
	"time"

	"folio/counter"
)

const (
	leafConfigured = 2000                 // the step in Leaf's own example table
	fetchTime      = 5 * time.Millisecond // of a peer; folio's comes from its legs
)

// Curve is what one rule held of one series on one replica.
type Curve struct {
	Rule     string
	Every    time.Duration
	Peaks    []int64 // the most held in each interval
	Most     int64   // what a kill at the worst moment finds
	Mean     float64 // what a kill at a mean moment finds
	Requests int64
	Fetches  int64 // transactions of the store
	Waits    int64 // requests that had to wait for one
	Returns  bool  // numbers held at death are settled and used, not lost
}

// Sizes lets the three rules serve the same requests.
func Sizes(seed uint64, t Traffic) ([]Curve, error) {
	every := t.Long / 360
	folio := newAlone(seed, every)
	l := &leaf{configured: leafConfigured, supply: supply{refill: fetchTime, gauge: gauge{Every: every}}}
	d := &tidb{supply: supply{refill: fetchTime, gauge: gauge{Every: every}}}
	var requests int64
	for at := range t.arrivals(seed) {
		requests++
		folio.take(at)
		l.take(at)
		d.take(at)
	}
	folio.fleet.pass(t.Long)
	l.pass(t.Long)
	d.pass(t.Long)
	if folio.fleet.failed != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, folio.fleet.failed)
	}
	curves := []Curve{
		curve("folio", &folio.fleet.held, int64(math.Round(folio.swaps)), folio.waits),
		curve("Leaf", &l.gauge, l.fetches, l.waits),
		curve("TiDB", &d.gauge, d.fetches, d.waits),
	}
	curves[0].Returns = true
	for i := range curves {
		curves[i].Requests = requests
	}
	return curves, nil
}

func curve(rule string, g *gauge, fetches, waits int64) Curve {
	return Curve{Rule: rule, Every: g.Every, Peaks: g.Peaks, Most: g.most, Mean: g.mean(), Fetches: fetches, Waits: waits}
}

// alone is a fleet of one replica with one tenant.
type alone struct {
	fleet *fleet
	swaps float64
	waits int64
}

func newAlone(seed uint64, every time.Duration) *alone {
	a := &alone{}
	a.fleet = newFleet(seed, 1, 1, Conditions{}, a)
	a.fleet.held.Every = every
	return a
}

func (a *alone) take(at time.Duration) { a.fleet.take(at, place{}) }

func (a *alone) took(_ time.Duration, _ int32, _ int64, waited time.Duration) {
	if waited > 0 {
		a.waits++
	}
}

func (a *alone) read(time.Duration, int32) {}

func (a *alone) asked(time.Duration, int32) {}

func (a *alone) swapped(_ time.Duration, _ int32, _, _ counter.Ledger, share float64, _ bool) {
	a.swaps += share
}

func (a *alone) noRoom() {}
