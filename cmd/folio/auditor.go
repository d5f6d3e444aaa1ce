package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"folio/invoices"
	"folio/invoices/accounts"

	"github.com/prometheus/client_golang/prometheus"
)

// auditor accounts for every number of all tenants again and again, in one replica at
// a time. What it finds is logged once, until it changes.
type auditor struct {
	duty  invoices.Duty
	audit invoices.Audit
	log   *slog.Logger

	figures auditFigures
	took    prometheus.Histogram // how long audits took
	told    map[finding]string   // what was logged; a turn's own

	mu     sync.Mutex
	latest *outcome // of the latest audit that was finished; nil: none
}

// finding names a finding from one audit to the next.
type finding struct {
	series string
	kind   accounts.Kind
}

// outcome is what metrics show of an audit.
type outcome struct {
	at          time.Time
	series      int64
	unaccounted int64
	findings    map[accounts.Kind]int64
	numbers     map[string]int64 // by what became of them
	ranges      leastRanges
}

func (o *outcome) add(a accounts.Account) {
	o.unaccounted += a.Unaccounted.Count
	for state, n := range map[string]int64{
		"issued": a.Issued.Count, "void": a.Void.Count, "held": a.Held.Count, "free": a.Free.Count, "unaccounted": a.Unaccounted.Count,
	} {
		o.numbers[state] += n
	}
	o.ranges.add(a)
}

// mostTold bounds the findings that one audit logs: if etcd is lost there is one for
// each series.
const mostTold = 100

func newAuditor(db *invoices.DB, ledgers invoices.Ledgers, every time.Duration, log *slog.Logger) *auditor {
	a := &auditor{audit: invoices.Audit{DB: db, Ledgers: ledgers}, log: log, figures: newAuditFigures(), took: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "folio_audit_duration_seconds",
		Help:    "How long this replica's audits of all series took, those that could not be finished too.",
		Buckets: prometheus.ExponentialBuckets(0.01, 4, 9),
	})}
	a.duty = invoices.Duty{DB: db, Name: "audit", Every: every, Do: a.turn, Log: log}
	return a
}

// turn is one audit.
func (a *auditor) turn(ctx context.Context) error {
	begun := time.Now()
	defer func() { a.took.Observe(time.Since(begun).Seconds()) }()
	o := &outcome{findings: make(map[accounts.Kind]int64), numbers: make(map[string]int64)}
	found := make(map[finding]string)
	note := func(all []accounts.Finding) {
		for _, f := range all {
			o.findings[f.Kind]++
			key := finding{f.Reported().Series, f.Kind}
			if before := found[key]; before != "" {
				f.Text = before + "; " + f.Text
			}
			found[key] = f.Text
		}
	}
	summary, err := a.audit.Run(ctx, func(account accounts.Account) error {
		o.add(account)
		note(account.Findings)
		return nil
	})
	if err != nil {
		return err
	}
	note(summary.Findings)
	o.ranges.close()
	o.at, o.series = time.Now(), summary.Series
	a.tell(found)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = o
	return nil
}

// tell logs what is new, what has changed and what is gone. Only a turn calls it.
func (a *auditor) tell(found map[finding]string) {
	told := 0
	for f, text := range found {
		if a.told[f] == text {
			continue
		}
		if told++; told <= mostTold {
			a.log.Error("the audit found something", "kind", f.kind, "series", f.series, "finding", text)
		}
	}
	if told > mostTold {
		a.log.Error("the audit found more; run folio audit", "more", told-mostTold)
	}
	for f := range a.told {
		if _, still := found[f]; !still {
			a.log.Info("the audit finds it no more", "kind", f.kind, "series", f.series)
		}
	}
	a.told = found
}

// newest is the outcome of the latest audit, if this replica is the one that audits.
func (a *auditor) newest() (onDuty bool, o *outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.duty.OnDuty(), a.latest
}
