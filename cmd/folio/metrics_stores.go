package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"

	"folio/invoices"
)

// postgresCollector shows the connections to Postgres, by their use, and what was voided.
type postgresCollector struct {
	db                                         *invoices.DB
	connections, most, waits, waited, recycled *prometheus.Desc
	voided                                     *prometheus.Desc
}

func postgresMetrics(db *invoices.DB) prometheus.Collector {
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("folio_"+name, help, labels, nil)
	}
	return &postgresCollector{
		db:          db,
		connections: of("postgres_connections", "Connections to Postgres, by their use: in_use or idle.", "pool", "state"),
		most:        of("postgres_max_connections", "Connections to Postgres that a use may have.", "pool"),
		waits:       of("postgres_waits_total", "Times that a connection to Postgres had to be waited for, because all of its use were in use.", "pool"),
		waited:      of("postgres_wait_seconds_total", "Time that was waited for a connection to Postgres.", "pool"),
		recycled:    of("postgres_connections_closed_total", "Connections to Postgres that were closed because they were idle or old.", "pool"),
		voided:      of("numbers_voided_total", "Numbers that this replica made void, by reason; other: in somebody's own words.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (c *postgresCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.most, c.waits, c.waited, c.recycled, c.voided} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *postgresCollector) Collect(ch chan<- prometheus.Metric) {
	total := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	now := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	for _, p := range c.db.Pools() {
		now(c.connections, p.InUse, p.Name, "in_use")
		now(c.connections, p.Idle, p.Name, "idle")
		now(c.most, p.MaxOpenConnections, p.Name)
		total(c.waits, float64(p.WaitCount), p.Name)
		total(c.waited, p.WaitDuration.Seconds(), p.Name)
		total(c.recycled, float64(p.MaxIdleClosed+p.MaxIdleTimeClosed+p.MaxLifetimeClosed), p.Name)
	}
	for reason, n := range c.db.Voided() {
		total(c.voided, float64(n), reason)
	}
}

// etcdMetrics are told of each call to etcd, and show its connection.
type etcdMetrics struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

func newEtcdMetrics() etcdMetrics {
	m := etcdMetrics{
		seconds: prometheus.NewHistogramVec(timing("etcd_request_duration_seconds", "How long reads and transactions of etcd took, failed ones too; many series may share one."), []string{"operation"}),
		errors:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "folio_etcd_errors_total", Help: "Reads and transactions of etcd that ended with an error."}, []string{"operation"}),
	}
	for _, operation := range []string{"read", "transaction"} {
		m.seconds.WithLabelValues(operation)
		m.errors.WithLabelValues(operation)
	}
	return m
}

// told is an etcdstore.Store's Told.
func (m etcdMetrics) told(operation string, took time.Duration, err error) {
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
	if err != nil {
		m.errors.WithLabelValues(operation).Inc()
	}
}

// connection shows in which state the client's connection is, all states of gRPC with 0
// or 1. An idle one connects at the next call.
func (m etcdMetrics) connection(client *clientv3.Client) []prometheus.Collector {
	all := []prometheus.Collector{m.seconds, m.errors}
	for state, name := range map[connectivity.State]string{
		connectivity.Idle: "idle", connectivity.Connecting: "connecting", connectivity.Ready: "ready",
		connectivity.TransientFailure: "failing", connectivity.Shutdown: "shut",
	} {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "folio_etcd_connection", Help: "1 for the state that the connection to etcd is in, 0 for the others.",
			ConstLabels: prometheus.Labels{"state": name},
		}, func() float64 {
			if client.ActiveConnection().GetState() == state {
				return 1
			}
			return 0
		}))
	}
	return all
}
