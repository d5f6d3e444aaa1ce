package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
)

// threeAccounts are good books, bad ones, and those of a strict series.
func threeAccounts() ([]accounts.Account, invoices.AuditSummary) {
	of := func(n int64) accounts.Numbers { return accounts.Numbers{Count: n} }
	as := accounts.AsOf{Revision: 812, Snapshot: "771:771:", At: time.Date(2026, 11, 24, 9, 40, 1, 0, time.UTC)}
	s := counter.Series{Tenant: "acme", Name: "invoice"}
	good := accounts.Account{Series: s, First: 1, Mark: 3, Issued: of(2), Free: of(1), AsOf: as}
	s.Period = "2026"
	bad := accounts.Account{Series: s, First: 101, Mark: 109, Issued: of(5), Held: accounts.Held{Numbers: of(1)}, Unaccounted: of(3), AsOf: as}
	bad.Add(accounts.Finding{Kind: accounts.Unaccounted, Ranges: []counter.Range{{First: 104, Last: 106}}, Text: "neither: 104-106"})
	s.Name = "gapless"
	strict := accounts.Account{Series: s, Strict: true, First: 1, Mark: 3, Issued: of(2), Void: accounts.Void{Numbers: of(1)}, AsOf: as}
	return []accounts.Account{good, bad, strict}, invoices.AuditSummary{Series: 3, FindingsInAll: 2, Findings: []accounts.Finding{{Kind: accounts.ForeignKey, Text: "key x"}}}
}

func written(t *testing.T, w auditWriter, out *bytes.Buffer) string {
	t.Helper()
	all, summary := threeAccounts()
	for _, a := range all {
		if err := w.account(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(summary); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnAuditIsWrittenAsAPersonWould(t *testing.T) {
	var out bytes.Buffer
	want := `acme/invoice/-                                     mark 3 = 2 issued + 0 void + 0 held + 1 free
acme/invoice/2026                                  101 to mark 109 = 5 issued + 0 void + 1 held + 0 free
  FINDING   unaccounted: neither: 104-106
acme/gapless/2026                                  mark 3 = 2 issued + 1 void, strict
3 series, 15 numbers: 9 issued, 1 void, 1 held, 1 free, 3 unaccounted, 2 findings
as of etcd revision 812 and Postgres snapshot 771:771:, 2026-11-24T09:40:01Z
  FINDING   foreign_key: key x
`
	if got := written(t, &auditText{to: &out}, &out); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestAnAuditIsWrittenAsOneReport(t *testing.T) {
	var out bytes.Buffer
	var r accounts.Report
	dec := json.NewDecoder(strings.NewReader(written(t, &auditJSON{to: &out, selected: "acme", full: true}, &out)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	f := r.Findings[0]
	if r.Format != accounts.ReportFormat || !r.Full || r.Selected != "acme" || len(r.Series) != 3 || len(r.Findings) != 2 || r.AsOf.Revision != 812 ||
		r.Series[1].Unaccounted != 3 || r.Series[1].First != 101 || !r.Series[2].Strict || f.Kind != accounts.Unaccounted || f.Series != "acme/invoice/2026" ||
		len(f.Ranges) != 1 || f.Ranges[0].First != 104 || r.Findings[1].Series != "" {
		t.Errorf("%+v", r)
	}
	var none bytes.Buffer
	if err := (&auditJSON{to: &none}).end(invoices.AuditSummary{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(none.Bytes(), &r); err != nil || len(r.Series) != 0 || !strings.Contains(none.String(), `"findings":[]`) {
		t.Errorf("%v: %s", err, none.String())
	}
}

func TestAnAuditIsWrittenAsATable(t *testing.T) {
	var out bytes.Buffer
	rows, err := csv.NewReader(strings.NewReader(written(t, newAuditCSV(&out), &out))).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%v: %v", err, rows)
	}
	if got := strings.Join(rows[2], "|"); got != "acme|invoice|2026|block|101|109|5|0|1|0|3|unaccounted: neither: 104-106|812|771:771:|2026-11-24T09:40:01Z" {
		t.Errorf("%s", got)
	}
	if rows[4][11] != "foreign_key: key x" || rows[4][0] != "" {
		t.Errorf("%q", rows[4])
	}
}

func TestAnAuditThatCannotBeFinishedIsToldApart(t *testing.T) {
	noEnvironment(t)
	for status, args := range map[int][]string{
		statusNotUnderstood: {"audit", "a/b/c/d", "--database-url", "postgres://127.0.0.1:1/x?sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"},
		statusUnfinished:    {"audit", "--database-url", "postgres://127.0.0.1:1/x?sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"},
	} {
		got, stdout, stderr := folio(t, args...)
		if got != status || stdout != "" || !strings.HasPrefix(stderr, "folio: ") {
			t.Errorf("%v: status %d, %q, %q", args, got, stdout, stderr)
		}
	}
}

func TestTheHelpOfTheAuditTellsItsExitStatus(t *testing.T) {
	noEnvironment(t)
	if _, out, _ := folio(t, "audit", "--help"); !strings.Contains(strings.Join(strings.Fields(out), " "), "3, the audit could not be finished") {
		t.Error(out)
	}
}

func TestAPersonWhoLooksOnSeesHowFarAnAuditIs(t *testing.T) {
	var out bytes.Buffer
	bar := &progress{out: &out, terminal: true, begun: time.Now()}
	bar.showAudit(invoices.AuditProgress{Series: 3, All: 12, Rows: 4_500_000})
	bar.end()
	if !strings.Contains(out.String(), "[##########....") || !strings.Contains(out.String(), "3 of 12 series, 4500000 rows") {
		t.Errorf("%q", out.String())
	}
}

func TestTheAuditSelectsByPath(t *testing.T) {
	none := ""
	for path, want := range map[string]counter.Selection{
		"":                  {},
		"acme":              {Tenant: "acme"},
		"acme/invoice":      {Tenant: "acme", Name: "invoice"},
		"acme/proforma/-":   {Tenant: "acme", Name: "proforma", Period: &none},
		"acme/invoice/2026": {Tenant: "acme", Name: "invoice", Period: ptr("2026")},
	} {
		got, err := selection(path)
		if err != nil || got.Tenant != want.Tenant || got.Name != want.Name || (got.Period == nil) != (want.Period == nil) || got.Period != nil && *got.Period != *want.Period {
			t.Errorf("%q: %+v, %v", path, got, err)
		}
	}
}
