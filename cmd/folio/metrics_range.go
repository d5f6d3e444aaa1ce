package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices"
)

// rangeMetrics shows what an issuer has seen of authorised ranges. They tell no
// tenant: which series it was is in the answers, and in folio series list.
func rangeMetrics(is *invoices.Issuer) []prometheus.Collector {
	total := func(name, help string, of func(invoices.RangeStats) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "folio_" + name, Help: help},
			func() float64 { return float64(of(is.RangeStats())) })
	}
	return []prometheus.Collector{
		total("range_low_total", "Documents issued when few numbers of an authorised range were left: its warn_left or fewer.",
			func(s invoices.RangeStats) int64 { return s.Low }),
		total("range_exhausted_total", "Requests refused because a series had no number left.",
			func(s invoices.RangeStats) int64 { return s.Exhausted }),
		total("range_expired_total", "Requests refused because an authorised range had expired.",
			func(s invoices.RangeStats) int64 { return s.Expired }),
	}
}
