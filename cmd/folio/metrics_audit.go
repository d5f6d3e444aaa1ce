package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"folio/invoices/accounts"
)

// auditFigures are what the auditor shows. A replica that does not audit has none but
// on duty, so that what it once found is not taken for news.
type auditFigures struct {
	onDuty, unaccounted, findings, series, success *prometheus.Desc
	numbers, rangeLeft, rangeRatio                 *prometheus.Desc
}

func newAuditFigures() auditFigures {
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("folio_audit_"+name, help, labels, nil)
	}
	const one = " Only the replica that audits has it, once it has finished an audit."
	return auditFigures{
		onDuty:      of("on_duty", "1 in the replica that audits, 0 in the others."),
		unaccounted: of("unaccounted_numbers", "Numbers that are neither issued, void, held nor free: must be 0."+one),
		findings:    of("findings", "What the latest audit found to be wrong, by kind: must be 0."+one, "kind"),
		series:      of("series", "Series, each period by itself, that the latest audit accounted for."+one),
		numbers:     of("numbers", "Numbers of all series, by what became of them."+one, "state"),
		rangeLeft:   of("range_left_numbers", "Numbers left of an authorised range, of the ten with the smallest share left; rank 1 has the smallest. Ranges that are used up or have expired are not among them."+one, "rank"),
		rangeRatio:  of("range_left_ratio", "What share of the same range is left."+one, "rank"),
		success:     of("last_success_timestamp_seconds", "When the latest audit was finished, whatever it found; the most of all replicas tells how old the news is."+one),
	}
}

// Describe implements prometheus.Collector.
func (a *auditor) Describe(ch chan<- *prometheus.Desc) {
	f := a.figures
	for _, d := range []*prometheus.Desc{f.onDuty, f.unaccounted, f.findings, f.series, f.success, f.numbers, f.rangeLeft, f.rangeRatio} {
		ch <- d
	}
	a.took.Describe(ch)
}

// Collect implements prometheus.Collector.
func (a *auditor) Collect(ch chan<- prometheus.Metric) {
	a.took.Collect(ch)
	now := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	onDuty, o := a.newest()
	if !onDuty {
		now(a.figures.onDuty, 0)
		return
	}
	now(a.figures.onDuty, 1)
	if o == nil {
		return
	}
	now(a.figures.unaccounted, float64(o.unaccounted))
	now(a.figures.series, float64(o.series))
	now(a.figures.success, float64(o.at.UnixNano())/1e9)
	for _, kind := range accounts.Kinds() {
		now(a.figures.findings, float64(o.findings[kind]), string(kind))
	}
	for state, n := range o.numbers {
		now(a.figures.numbers, float64(n), state)
	}
	for i, l := range o.ranges.least {
		now(a.figures.rangeLeft, float64(l.numbers), strconv.Itoa(i+1))
		now(a.figures.rangeRatio, l.ratio(), strconv.Itoa(i+1))
	}
}
