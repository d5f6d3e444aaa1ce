package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// buildMetric tells which program runs.
func buildMetric() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "folio_build_info", Help: "Always 1; which version of folio runs, and of Go.",
		ConstLabels: prometheus.Labels{"version": buildVersion(), "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}
