package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices"
)

// timing makes a histogram of seconds: classic buckets from a tenth of a millisecond on,
// and beside them native ones, for a Prometheus that asks for these. One observation
// allocates nothing.
func timing(name, help string) prometheus.HistogramOpts {
	return native(prometheus.HistogramOpts{Name: "folio_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14)})
}

func native(o prometheus.HistogramOpts) prometheus.HistogramOpts {
	o.NativeHistogramBucketFactor, o.NativeHistogramMaxBucketNumber, o.NativeHistogramMinResetDuration = 1.1, 100, time.Hour
	return o
}

// issueMetrics are told on the way of each document and each batch.
type issueMetrics struct {
	phases *prometheus.HistogramVec
	rows   prometheus.Histogram
	refill prometheus.Histogram
}

func newIssueMetrics() issueMetrics {
	return issueMetrics{
		phases: prometheus.NewHistogramVec(timing("issue_phase_duration_seconds",
			"How long the phases of issuing took: take, of each document until it had a number; queue, of each until its batch was gathered; commit, of each batch from there until all its rows had an outcome."), []string{"phase"}),
		rows: prometheus.NewHistogram(native(prometheus.HistogramOpts{
			Name: "folio_batch_rows", Help: "Rows of the batches that were written.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500},
		})),
		refill: prometheus.NewHistogram(timing("refill_duration_seconds", "How long refills took that reserved a block.")),
	}
}

func (m issueMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.phases, m.rows, m.refill}
}

// watch is what the writer tells.
func (m issueMetrics) watch() invoices.Watch {
	return invoices.Watch{
		Take: m.phases.WithLabelValues("take"), Queue: m.phases.WithLabelValues("queue"), Commit: m.phases.WithLabelValues("commit"),
		Rows: m.rows,
	}
}

func (m issueMetrics) refilled(took time.Duration) { m.refill.Observe(took.Seconds()) }

// writerMetrics shows a writer's Stats.
func writerMetrics(w *invoices.Writer) []prometheus.Collector {
	total := func(name, help string, of func(invoices.WriterStats) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "folio_" + name, Help: help},
			func() float64 { return float64(of(w.Stats())) })
	}
	now := func(name, help string, of func(invoices.WriterStats) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "folio_" + name, Help: help},
			func() float64 { return float64(of(w.Stats())) })
	}
	return []prometheus.Collector{
		now("queue_rows", "Rows that wait for a batch.", func(s invoices.WriterStats) int { return s.Queued }),
		now("queue_max_rows", "Rows that may wait; beyond it requests are refused with 503.", func(s invoices.WriterStats) int { return s.Room }),
		total("batches_sent_total", "Statements that write batches, and transactions of strict series, repeats included.", func(s invoices.WriterStats) int64 { return s.Batches }),
		total("rows_written_total", "Rows that were written.", func(s invoices.WriterStats) int64 { return s.Rows }),
		total("batch_outcomes_unknown_total", "Statements whose fate Postgres did not tell; it was found out, or the numbers are in doubt.", func(s invoices.WriterStats) int64 { return s.Unknown }),
		total("rows_fenced_total", "Rows that went on with other numbers because their holder was fenced.", func(s invoices.WriterStats) int64 { return s.Fenced }),
	}
}
