package accounts

import (
	"time"

	"folio/counter"
)

// ReportFormat names the shape of a Report. A program that reads one refuses another.
const ReportFormat = "folio-audit/1"

// Report is an audit as programs read it: `folio audit --format json` prints one. Series
// are written as tenant/series/period, "-" for the period of one that never restarts.
type Report struct {
	Format   string            `json:"format"`   // ReportFormat
	Selected string            `json:"selected"` // what was audited; "": everything
	Full     bool              `json:"full"`     // every row was read anew
	Series   []ReportedSeries  `json:"series"`   // in the order of their names
	Findings []ReportedFinding `json:"findings"` // of all series
	AsOf     ReportedAsOf      `json:"as_of"`    // of what was read last; each series has its own
}

// ReportedSeries is the account of one series, in numbers.
type ReportedSeries struct {
	Series      string       `json:"series"`
	Strict      bool         `json:"strict"`
	First       int64        `json:"first"`
	Mark        int64        `json:"mark"`
	Issued      int64        `json:"issued"`
	Void        int64        `json:"void"`
	Held        int64        `json:"held"`
	Free        int64        `json:"free"`
	Unaccounted int64        `json:"unaccounted"`
	AsOf        ReportedAsOf `json:"as_of"`
}

// ReportedFinding is a Finding. Series is "" of one that is of no series.
type ReportedFinding struct {
	Kind   Kind            `json:"kind"`
	Series string          `json:"series"`
	Ranges []counter.Range `json:"ranges"`
	Text   string          `json:"text"`
}

// ReportedAsOf is an AsOf. A revision of 0 is unknown.
type ReportedAsOf struct {
	Revision int64     `json:"etcd_revision"`
	Snapshot string    `json:"postgres_snapshot"`
	At       time.Time `json:"at"`
}

// Reported returns a as a Report has it.
func (a Account) Reported() ReportedSeries {
	return ReportedSeries{
		Series: a.Series.String(), Strict: a.Strict, First: a.First, Mark: a.Mark,
		Issued: a.Issued.Count, Void: a.Void.Count, Held: a.Held.Count, Free: a.Free.Count, Unaccounted: a.Unaccounted.Count,
		AsOf: ReportedAsOf(a.AsOf),
	}
}

// Reported returns f as a Report has it.
func (f Finding) Reported() ReportedFinding {
	r := ReportedFinding{Kind: f.Kind, Ranges: append([]counter.Range{}, f.Ranges...), Text: f.Text}
	if f.Series != (counter.Series{}) {
		r.Series = f.Series.String()
	}
	return r
}
