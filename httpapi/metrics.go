package httpapi

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of one listener. Labels are routes, methods and
// statuses: never tenants, of which there is no end.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// newMetrics makes them, and a gauge of the bodies that are held.
func newMetrics(registry prometheus.Registerer, held func() int64) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "folio_http_requests_total", Help: "Requests answered; code 499: the client had left, or read too slowly.",
		}, []string{"method", "route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "folio_http_request_duration_seconds", Help: "Time from the request to the end of its answer.",
			Buckets:                     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "folio_http_requests_in_flight", Help: "Requests under way.",
		}),
	}
	if registry != nil {
		registry.MustRegister(m.requests, m.seconds, m.inFlight, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "folio_http_body_bytes", Help: "Bytes of the bodies of requests under way, as far as they have come; beyond --bodies-mib requests are refused with 503.",
		}, func() float64 { return float64(held()) }))
	}
	return m
}

// begin notes that a request began. end is owed.
func (m *metrics) begin() { m.inFlight.Inc() }

// end notes that a request ended.
func (m *metrics) end(route, method string, status int, took time.Duration) {
	if !knownMethod(method) {
		method = "other"
	}
	m.inFlight.Dec()
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// knownMethod keeps clients from making up labels.
func knownMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return true
	}
	return false
}
