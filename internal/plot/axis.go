package plot

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Axis maps values to 0..1 along one side of a panel.
type Axis struct {
	label string
	log   bool    // logarithmic
	zero  bool    // logarithmic from 1 on, with 0 one decade below
	from  float64 // at 0; above 0 on a logarithmic axis
	to    float64 // at 1
	ticks []tick
}

type tick struct {
	at    float64
	label string
}

// place returns where v lies; what is outside lies on the edge.
func (a Axis) place(v float64) float64 {
	low, high, at := a.from, a.to, v
	if a.log || a.zero {
		low, high, at = a.decade(low), a.decade(high), a.decade(v)
	}
	if high <= low {
		return 0
	}
	return min(max((at-low)/(high-low), 0), 1)
}

// decade is the logarithm of v; with zero, what is below 1 lies evenly in the
// decade below.
func (a Axis) decade(v float64) float64 {
	if a.zero && v < 1 {
		return v - 1
	}
	return math.Log10(v)
}

// Decades is a logarithmic axis from one power of ten to another.
func Decades(label string, from, to int) Axis {
	a := Axis{label: label, log: true, from: math.Pow10(from), to: math.Pow10(to)}
	for i := from; i <= to; i++ {
		a.ticks = append(a.ticks, tick{math.Pow10(i), short(math.Pow10(i))})
	}
	return a
}

// Marked is a logarithmic axis that reaches from the first of some values to the last,
// which are above zero and in their order, and has a tick at each.
func Marked(label string, at ...float64) Axis {
	a := Axis{label: label, log: true, from: at[0], to: at[len(at)-1]}
	for _, v := range at {
		a.ticks = append(a.ticks, tick{v, short(v)})
	}
	return a
}

// FromZero is a logarithmic axis that has 0, up to a power of ten.
func FromZero(label string, to int) Axis {
	a := Decades(label, 0, to)
	a.log, a.zero, a.from = false, true, 0
	a.ticks = append([]tick{{0, "0"}}, a.ticks...)
	return a
}

// Linear is an axis from 0 in equal steps.
func Linear(label string, step float64, steps int) Axis {
	a := Axis{label: label, to: step * float64(steps)}
	for i := range steps + 1 {
		a.ticks = append(a.ticks, tick{step * float64(i), short(step * float64(i))})
	}
	return a
}

// Hours is a time axis in minutes or hours, whichever reads better.
func Hours(long time.Duration) Axis {
	unit, name := time.Minute, "minutes"
	if long > 2*time.Hour {
		unit, name = time.Hour, "hours"
	}
	a := Axis{label: name, to: long.Seconds()}
	steps := 6.0
	if long == 10*time.Minute {
		steps = 5
	}
	for i := 0.0; i <= steps; i++ {
		at := a.to * i / steps
		a.ticks = append(a.ticks, tick{at, strconv.FormatFloat(at/unit.Seconds(), 'f', -1, 64)})
	}
	return a
}

// short writes a number for an axis.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%gk", v/1e3)
	case v == 1000:
		return "1,000"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
