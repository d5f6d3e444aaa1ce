package main

import (
	"errors"
	"fmt"
	"strings"

	"folio/counter"
	"folio/invoices"
)

type auditCmd struct {
	database
	etcd
	Series string `arg:"" optional:"" help:"tenant, tenant/series or tenant/series/period; all if not given."`
	Format string `help:"text, json or csv." enum:"text,json,csv" default:"text" env:"FOLIO_AUDIT_FORMAT"`
	JSON   bool   `help:"The same as --format json." name:"json" env:"FOLIO_JSON"`
	Deep   bool   `help:"Also check what documents say: printed numbers, totals against lines, request ids, credit notes. Goes on where the last --deep ended, or was killed; with --full it begins anew." env:"FOLIO_AUDIT_DEEP"`
	Full   bool   `help:"Read every row anew, also where an audit before found all numbers to have one, and hold them against that. Only so is a row seen to be gone that somebody removed by force." env:"FOLIO_AUDIT_FULL"`
}

// Help tells what the exit status means.
func (c *auditCmd) Help() string {
	return "Exit status: 0, every number is accounted for and nothing is wrong; 1, there are findings, which are printed; " +
		"2, the command was not understood; 3, the audit could not be finished, and says nothing of what it has not printed."
}

// errFindings makes the exit status 1; the findings are printed by then.
var errFindings = errors.New("not every number is accounted for, or something else is wrong; see the findings")

// Run accounts for every number.
func (c *auditCmd) Run(cmd command) error {
	selected, err := selection(c.Series)
	if err != nil {
		return statusError{err, statusNotUnderstood}
	}
	summary, err := c.audit(cmd, selected)
	switch {
	case err != nil:
		return statusError{fmt.Errorf("the audit could not be finished: %w", err), statusUnfinished}
	case summary.FindingsInAll > 0:
		return errFindings
	}
	return nil
}

func (c *auditCmd) audit(cmd command, selected counter.Selection) (summary invoices.AuditSummary, err error) {
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return summary, err
	}
	defer client.Close()
	bar, out := newProgress(cmd.stderr), c.writer(cmd)
	err = c.withDB(func(db *invoices.DB) error {
		audit := &invoices.Audit{DB: db, Ledgers: store, Of: selected, Full: c.Full}
		if bar.terminal {
			audit.Progress = bar.showAudit
		}
		summary, err = audit.Run(cmd.ctx, out.account)
		if err == nil && c.Deep {
			err = c.deep(cmd, db, selected, bar, &summary)
		}
		bar.end()
		if err != nil {
			return err
		}
		return out.end(summary)
	})
	return summary, err
}

// deep adds to summary what is wrong with the content of documents.
func (c *auditCmd) deep(cmd command, db *invoices.DB, selected counter.Selection, bar *progress, summary *invoices.AuditSummary) error {
	audit := &invoices.DeepAudit{DB: db, Of: selected, Full: c.Full}
	if bar.terminal {
		audit.Progress = bar.showDeep
	}
	report, err := audit.Run(cmd.ctx)
	if err != nil {
		return fmt.Errorf("%w; what was checked stays checked: run folio audit --deep again, without --full", err)
	}
	fmt.Fprintf(cmd.stderr, "folio: the content of %s was checked\n", plural(report.Checked, "document", "documents"))
	summary.Findings = append(summary.Findings, report.Findings...)
	summary.FindingsInAll += int64(len(report.Findings))
	return nil
}

// writer writes accounts in the format that was asked for.
func (c *auditCmd) writer(cmd command) auditWriter {
	switch {
	case c.JSON || c.Format == "json":
		return &auditJSON{to: cmd.stdout, selected: c.Series, full: c.Full}
	case c.Format == "csv":
		return newAuditCSV(cmd.stdout)
	}
	return &auditText{to: cmd.stdout}
}

// selection reads tenant, tenant/series or tenant/series/period.
func selection(path string) (counter.Selection, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 3 {
		return counter.Selection{}, fmt.Errorf("%q: want tenant, tenant/series or tenant/series/period", path)
	}
	f := counter.Selection{Tenant: parts[0]}
	if len(parts) > 1 {
		f.Name = parts[1]
	}
	if len(parts) > 2 {
		period := strings.TrimPrefix(parts[2], "-") // "-" stands for no period
		f.Period = &period
	}
	return f, nil
}
