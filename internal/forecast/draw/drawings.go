package main

import (
	"math"

	"folio/internal/forecast"
	"folio/internal/plot"
)

// drawSizes draws what the three rules hold over time.
func drawSizes(all []sizes) plot.Drawing {
	d := plot.Drawing{Title: "Numbers held by one replica of one series over time"}
	for _, s := range all {
		p := plot.Panel{Title: s.Name, X: plot.Hours(s.Long), Y: plot.FromZero("numbers held", 6)}
		d.Legend = nil
		for _, c := range s.curves {
			d.Legend = append(d.Legend, c.Rule)
			p.Lines = append(p.Lines, curveLine(c))
		}
		d.Panels = append(d.Panels, p)
	}
	return d
}

func curveLine(c forecast.Curve) plot.Line {
	var l plot.Line
	for i, held := range c.Peaks {
		l = append(l, plot.Point{X: (float64(i) + 0.5) * c.Every.Seconds(), Y: float64(held)})
	}
	return l
}

// drawCrowd draws what it costs to serve tenants of each rate.
func drawCrowd(all []crowd) plot.Drawing {
	d := plot.Drawing{Title: "What a tenant costs by its rate"}
	for _, c := range all {
		d.Legend = append(d.Legend, c.name)
	}
	perNumber := func(count func(forecast.Class) float64) func(forecast.Class) float64 {
		return func(c forecast.Class) float64 { return count(c) / float64(c.Numbers) }
	}
	d.Panels = []plot.Panel{
		crowdPanel("transactions of etcd per invoice", plot.Linear("transactions", 0.5, 5), all,
			perNumber(func(c forecast.Class) float64 { return c.Swaps })),
		crowdPanel("a ledger's value in etcd", plot.Decades("bytes, mean", 1, 5), all,
			func(c forecast.Class) float64 { return c.ValueMean }),
		crowdPanel("bytes of values sent to etcd per invoice", plot.Decades("bytes", 0, 5), all,
			perNumber(func(c forecast.Class) float64 { return float64(c.Sent) })),
		crowdPanel("places out of order, 99th percentile", plot.FromZero("places", 4), all,
			func(c forecast.Class) float64 { return float64(c.DistanceP99) }),
	}
	return d
}

func crowdPanel(title string, y plot.Axis, all []crowd, value func(forecast.Class) float64) plot.Panel {
	p := plot.Panel{Title: title, X: plot.Decades("invoices a second of the tenant", -4, 3), Y: y}
	for _, c := range all {
		var l plot.Line
		for _, class := range c.Classes {
			if class.Numbers > 0 {
				l = append(l, plot.Point{X: math.Sqrt(class.From * class.To), Y: value(class)})
			}
		}
		p.Lines = append(p.Lines, l)
	}
	return p
}
