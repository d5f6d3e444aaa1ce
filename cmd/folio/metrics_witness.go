package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices"
)

// behind reports whether Postgres is not written to until an operator has spoken.
func behind(w *invoices.Witness) bool {
	err := w.Refusal()
	return errors.Is(err, invoices.ErrBehind) || errors.Is(err, invoices.ErrResuming)
}

func witnessMetric(w *invoices.Witness) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "folio_postgres_behind",
		Help: "1 while Postgres is behind what was seen of it, or a restore is not accounted for: nothing is written until folio restored was run to its end.",
	}, func() float64 {
		if behind(w) {
			return 1
		}
		return 0
	})
}
