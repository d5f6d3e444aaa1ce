package main

import (
	"fmt"
	"slices"

	"folio/internal/bench/load"
	"folio/internal/plot"
)

// drawings are those of which the run has the figures.
func (b *bench) drawings() map[string]plot.Drawing {
	all := make(map[string]plot.Drawing)
	for name, d := range map[string]plot.Drawing{"throughput.svg": b.drawThroughput(), "latency.svg": b.drawLatency()} {
		if len(d.Panels) > 0 {
			all[name] = d
		}
	}
	return all
}

// drawThroughput draws what each entrant gives on one hot tenant, by the connections of
// the client.
func (b *bench) drawThroughput() plot.Drawing {
	d := plot.Drawing{Title: "Invoices a second on one hot tenant, by the connections of the client"}
	by := make(map[string]map[int]result) // entrant, connections
	var connections []int
	for _, r := range b.results {
		hot := r.Scenario == "hot" || r.Scenario == fmt.Sprintf("hot-%d", r.Connections)
		if !hot || len(r.Rounds) == 0 {
			continue
		}
		if by[r.Entrant] == nil {
			by[r.Entrant] = make(map[int]result)
			d.Legend = append(d.Legend, r.Entrant)
		}
		by[r.Entrant][r.Connections] = r
		if !slices.Contains(connections, r.Connections) {
			connections = append(connections, r.Connections)
		}
	}
	if len(connections) < 2 {
		return plot.Drawing{}
	}
	slices.Sort(connections)
	panel := func(title string, y plot.Axis, value func(round) float64) plot.Panel {
		var marks []float64
		for _, n := range connections {
			marks = append(marks, float64(n))
		}
		p := plot.Panel{Title: title, X: plot.Marked("connections", marks...), Y: y}
		for _, name := range d.Legend {
			var l plot.Line
			for _, n := range connections {
				if r, ok := by[name][n]; ok {
					l = append(l, plot.Point{X: float64(n), Y: load.Median(r.figures(value))})
				}
			}
			p.Lines = append(p.Lines, l)
		}
		return p
	}
	d.Panels = []plot.Panel{
		panel("invoices a second", plot.Decades("invoices a second", 2, 5), rate),
		panel("99th percentile", plot.Decades("milliseconds", -1, 4), func(r round) float64 { return r.Latency.P99 * 1e3 }),
	}
	return d
}

// drawLatency draws the percentiles at fixed rates of arrival.
func (b *bench) drawLatency() plot.Drawing {
	d := plot.Drawing{Title: "Time from the intended arrival to the answer, at fixed rates"}
	lines := map[float64][]plot.Line{}
	for _, r := range b.results {
		if r.Scenario != "open" || r.Share == 0 || len(r.Rounds) == 0 || r.Side != fmt.Sprintf("%s at %.0f %%", r.Entrant, 100*r.Share) {
			continue
		}
		if !slices.Contains(d.Legend, r.Entrant) {
			d.Legend = append(d.Legend, r.Entrant)
		}
		lines[r.Share] = append(lines[r.Share], percentiles(r))
	}
	for _, share := range []float64{0.5, 0.8} {
		if len(lines[share]) > 0 {
			d.Panels = append(d.Panels, plot.Panel{
				Title: fmt.Sprintf("at %.0f %% of the best throughput of each", 100*share),
				X:     plot.Decades("one request in so many takes longer", 0, 3), Y: plot.Decades("milliseconds", -1, 4), Lines: lines[share],
			})
		}
	}
	return d
}

// percentiles is a line through the percentiles that are kept, in milliseconds.
func percentiles(r result) (l plot.Line) {
	for _, at := range []struct {
		oneIn float64
		of    func(load.Latencies) float64
	}{
		{2, func(l load.Latencies) float64 { return l.P50 }},
		{10, func(l load.Latencies) float64 { return l.P90 }},
		{100, func(l load.Latencies) float64 { return l.P99 }},
		{1000, func(l load.Latencies) float64 { return l.P999 }},
	} {
		l = append(l, plot.Point{X: at.oneIn, Y: 1e3 * load.Median(r.figures(func(r round) float64 { return at.of(r.Latency) }))})
	}
	return l
}
