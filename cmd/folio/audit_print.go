package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
)

// auditWriter writes accounts as they come.
type auditWriter interface {
	account(accounts.Account) error
	end(invoices.AuditSummary) error
}

// auditText writes for people: a line for each series, and what is wrong below it.
type auditText struct {
	to  io.Writer
	sum accounts.Account
	of  int64 // numbers
}

func (t *auditText) account(a accounts.Account) error {
	line := fmt.Sprintf("%-50s mark %d = %d issued + %d void", a.Series, a.Mark, a.Issued.Count, a.Void.Count)
	if a.First > 1 {
		line = fmt.Sprintf("%-50s %d to mark %d = %d issued + %d void", a.Series, a.First, a.Mark, a.Issued.Count, a.Void.Count)
	}
	if a.Strict {
		line += ", strict"
	} else {
		line += fmt.Sprintf(" + %d held + %d free", a.Held.Count, a.Free.Count)
	}
	t.of += a.Mark - a.First + 1
	t.sum.Issued.Count += a.Issued.Count
	t.sum.Void.Count += a.Void.Count
	t.sum.Held.Count += a.Held.Count
	t.sum.Free.Count += a.Free.Count
	t.sum.Unaccounted.Count += a.Unaccounted.Count
	t.sum.AsOf = a.AsOf
	_, err := fmt.Fprintln(t.to, line)
	return errorOf(err, t.findings(a.Findings, a.Series))
}

func (t *auditText) findings(all []accounts.Finding, at counter.Series) error {
	for _, f := range all {
		if _, err := fmt.Fprintf(t.to, "  FINDING   %s\n", findingText(f, at)); err != nil {
			return err
		}
	}
	return nil
}

func (t *auditText) end(s invoices.AuditSummary) error {
	_, err := fmt.Fprintf(t.to, "%s, %d numbers: %d issued, %d void, %d held, %d free, %d unaccounted, %s\n",
		plural(s.Series, "series", "series"), t.of, t.sum.Issued.Count, t.sum.Void.Count, t.sum.Held.Count, t.sum.Free.Count,
		t.sum.Unaccounted.Count, plural(s.FindingsInAll, "finding", "findings"))
	if as := t.sum.AsOf; err == nil && s.Series > 0 {
		_, err = fmt.Fprintf(t.to, "as of etcd revision %d and Postgres snapshot %s, %s\n", as.Revision, as.Snapshot, as.At.Format(time.RFC3339))
	}
	return errorOf(err, t.findings(s.Findings, counter.Series{}))
}

// errorOf returns the first error.
func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// auditJSON writes an accounts.Report, a series a line. What is wrong is kept until
// the end: it is little, or there is more to worry about.
type auditJSON struct {
	to       io.Writer
	selected string
	full     bool
	begun    bool
	findings []accounts.Finding
	asOf     accounts.AsOf
}

func (j *auditJSON) account(a accounts.Account) error {
	text, err := json.Marshal(a.Reported())
	if err != nil {
		return err
	}
	before := ",\n  "
	if !j.begun {
		before = j.head() + "\n  "
	}
	j.begun, j.asOf = true, a.AsOf
	j.findings = append(j.findings, a.Findings...)
	_, err = fmt.Fprintf(j.to, "%s%s", before, text)
	return err
}

func (j *auditJSON) head() string {
	format, _ := json.Marshal(accounts.ReportFormat) // a string has no error
	selected, _ := json.Marshal(j.selected)
	return fmt.Sprintf(`{"format":%s,"selected":%s,"full":%t,"series":[`, format, selected, j.full)
}

func (j *auditJSON) end(s invoices.AuditSummary) error {
	all := []accounts.ReportedFinding{}
	for _, f := range append(j.findings, s.Findings...) {
		all = append(all, f.Reported())
	}
	findings, err := json.Marshal(all)
	if err != nil {
		return err
	}
	asOf, err := json.Marshal(accounts.ReportedAsOf(j.asOf))
	if err != nil {
		return err
	}
	before := "\n "
	if !j.begun {
		before = j.head()
	}
	_, err = fmt.Fprintf(j.to, "%s],\n \"findings\":%s,\n \"as_of\":%s}\n", before, findings, asOf)
	return err
}

// auditCSV writes a row for each series.
type auditCSV struct{ to *csv.Writer }

func newAuditCSV(to io.Writer) *auditCSV {
	c := &auditCSV{csv.NewWriter(to)}
	_ = c.to.Write([]string{"tenant", "series", "period", "numbering", "first", "mark", "issued", "void", "held", "free", "unaccounted",
		"findings", "etcd_revision", "postgres_snapshot", "at"}) // Flush tells
	return c
}

func (c *auditCSV) account(a accounts.Account) error {
	numbering := "block"
	if a.Strict {
		numbering = "strict"
	}
	row := []string{a.Series.Tenant, a.Series.Name, a.Series.Period, numbering}
	for _, n := range []int64{a.First, a.Mark, a.Issued.Count, a.Void.Count, a.Held.Count, a.Free.Count, a.Unaccounted.Count} {
		row = append(row, strconv.FormatInt(n, 10))
	}
	return c.to.Write(append(row, findingsText(a.Findings, a.Series), strconv.FormatInt(a.AsOf.Revision, 10), a.AsOf.Snapshot, a.AsOf.At.Format(time.RFC3339Nano)))
}

// findingText names the series of a finding, unless it stands in the midst of at.
func findingText(f accounts.Finding, at counter.Series) string {
	text := string(f.Kind) + ": " + f.Text
	if f.Series != at && f.Series != (counter.Series{}) {
		text = f.Series.String() + ": " + text
	}
	return text
}

func findingsText(all []accounts.Finding, at counter.Series) string {
	texts := make([]string, len(all))
	for i, f := range all {
		texts[i] = findingText(f, at)
	}
	return strings.Join(texts, "; ")
}

// end writes what is of no series in a row that names none.
func (c *auditCSV) end(s invoices.AuditSummary) error {
	if len(s.Findings) > 0 {
		row := make([]string, 15)
		row[11] = findingsText(s.Findings, counter.Series{})
		if err := c.to.Write(row); err != nil {
			return err
		}
	}
	c.to.Flush()
	return c.to.Error()
}
