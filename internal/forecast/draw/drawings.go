package main

import (
	"math"

	"folio/internal/forecast"
)

// drawSizes draws what the three rules hold over time.
func drawSizes(all []sizes) drawing {
	d := drawing{title: "Numbers held by one replica of one series over time"}
	for _, s := range all {
		p := panel{title: s.Name, x: hours(s.Long), y: fromZero("numbers held", 6)}
		d.legend = nil
		for _, c := range s.curves {
			d.legend = append(d.legend, c.Rule)
			p.lines = append(p.lines, curveLine(c))
		}
		d.panels = append(d.panels, p)
	}
	return d
}

func curveLine(c forecast.Curve) line {
	var l line
	for i, held := range c.Peaks {
		l = append(l, point{(float64(i) + 0.5) * c.Every.Seconds(), float64(held)})
	}
	return l
}

// drawCrowd draws what it costs to serve tenants of each rate.
func drawCrowd(all []crowd) drawing {
	d := drawing{title: "What a tenant costs by its rate"}
	for _, c := range all {
		d.legend = append(d.legend, c.name)
	}
	perNumber := func(count func(forecast.Class) float64) func(forecast.Class) float64 {
		return func(c forecast.Class) float64 { return count(c) / float64(c.Numbers) }
	}
	d.panels = []panel{
		crowdPanel("transactions of etcd per invoice", linear("transactions", 0.5, 5), all,
			perNumber(func(c forecast.Class) float64 { return c.Swaps })),
		crowdPanel("a ledger's value in etcd", decades("bytes, mean", 1, 5), all,
			func(c forecast.Class) float64 { return c.ValueMean }),
		crowdPanel("bytes of values sent to etcd per invoice", decades("bytes", 0, 5), all,
			perNumber(func(c forecast.Class) float64 { return float64(c.Sent) })),
		crowdPanel("places out of order, 99th percentile", fromZero("places", 4), all,
			func(c forecast.Class) float64 { return float64(c.DistanceP99) }),
	}
	return d
}

func crowdPanel(title string, y axis, all []crowd, value func(forecast.Class) float64) panel {
	p := panel{title: title, x: decades("invoices a second of the tenant", -4, 3), y: y}
	for _, c := range all {
		var l line
		for _, class := range c.Classes {
			if class.Numbers > 0 {
				l = append(l, point{math.Sqrt(class.From * class.To), value(class)})
			}
		}
		p.lines = append(p.lines, l)
	}
	return p
}
