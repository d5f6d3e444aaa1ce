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
	told    findings             // what was logged; a turn's own

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
	o.numbers["issued"] += a.Issued.Count
	o.numbers["void"] += a.Void.Count
	o.numbers["held"] += a.Held.Count
	o.numbers["free"] += a.Free.Count
	o.numbers["unaccounted"] += a.Unaccounted.Count
	o.ranges.add(a)
}

// findings are what an audit found, as text. If etcd is lost there is one for each
// series, of which there may be a hundred thousand: at most mostKept are remembered.
type findings struct {
	texts map[finding]string
	more  int // beside these
}

// What is remembered from one audit to the next, what one audit logs, and the bytes of one
// kind in one series to which no more are added.
const mostKept, mostTold, longestTold = 10_000, 100, 4_000

func (f *findings) add(all []accounts.Finding) {
	if f.texts == nil {
		f.texts = make(map[finding]string)
	}
	for _, one := range all {
		key := finding{one.Reported().Series, one.Kind}
		switch before, known := f.texts[key]; {
		case known && len(before) < longestTold:
			f.texts[key] = before + "; " + one.Text
		case !known && len(f.texts) < mostKept:
			f.texts[key] = one.Text
		default:
			f.more++
		}
	}
}

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
	var found findings
	note := func(all []accounts.Finding) {
		for _, f := range all {
			o.findings[f.Kind]++
		}
		found.add(all)
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
func (a *auditor) tell(found findings) {
	told, untold := 0, 0
	for f, text := range found.texts {
		if a.told.texts[f] == text {
			continue
		}
		if told == mostTold {
			untold++
			continue
		}
		told++
		a.log.Error("the audit found something", "kind", f.kind, "series", f.series, "finding", text)
	}
	if found.more != a.told.more {
		untold += found.more
	}
	if untold > 0 {
		a.log.Error("the audit found more; run folio audit", "more", untold)
	}
	a.tellGone(found)
	a.told = found
}

// tellGone logs what is found no more; nothing if not all is remembered that is found.
func (a *auditor) tellGone(found findings) {
	if found.more > 0 {
		return
	}
	gone := 0
	for f := range a.told.texts {
		if _, still := found.texts[f]; still {
			continue
		}
		if gone++; gone <= mostTold {
			a.log.Info("the audit finds it no more", "kind", f.kind, "series", f.series)
		}
	}
	if gone > mostTold || a.told.more > 0 {
		a.log.Info("the audit finds more no more", "more", max(0, gone-mostTold)+a.told.more)
	}
}

// newest is the outcome of the latest audit, if this replica is the one that audits.
func (a *auditor) newest() (onDuty bool, o *outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.duty.OnDuty(), a.latest
}
