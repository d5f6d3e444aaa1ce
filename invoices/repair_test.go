package invoices

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"
)

// reportOf is what folio audit --format json would have written.
func reportOf(t testing.TB, db *DB, store Ledgers) accounts.Report {
	t.Helper()
	r := accounts.Report{Format: accounts.ReportFormat}
	sum, err := (&Audit{DB: db, Ledgers: store}).Run(t.Context(), func(a accounts.Account) error {
		for _, f := range a.Findings {
			r.Findings = append(r.Findings, f.Reported())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sum.Findings {
		r.Findings = append(r.Findings, f.Reported())
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcomes repairs, and lists what became of each finding.
func (p *Repair) outcomes(t testing.TB, r accounts.Report) string {
	t.Helper()
	var all []string
	err := p.Run(t.Context(), r, func(d Repaired) error {
		t.Logf("%s: %s: %s: %s", d.Finding.Series, d.Finding.Kind, d.Outcome, d.Did)
		all = append(all, fmt.Sprintf("%s %s", d.Finding.Kind, d.Outcome))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, ", ")
}

// broken are books in which the ledger says that numbers 4 to 9 were finished, of
// which nobody knows, and a block is held by a holder of whom nobody knows.
func broken(t testing.TB) (*DB, *countertest.Mem, Identity, *replica) {
	t.Helper()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	for i := range 3 {
		r.mustIssue(t, request(who, fmt.Sprint(i), "n"))
	}
	r.stop()
	putLedger(t, store, series2026(who), counter.Ledger{Mark: 14, Serial: 9, Held: []counter.Block{{
		Serial: 9, Range: counter.Range{First: 10, Last: 14}, Holder: "ghost.1", Era: ask[string](t, db, `select current_era()`),
	}}})
	return db, store, who, newReplica(t, db, unindexed{store})
}

// unindexed is a store whose index names nobody: so no scan finds a block by itself.
type unindexed struct{ *countertest.Mem }

func (unindexed) Holding(context.Context) ([]string, error) { return nil, nil }

func (unindexed) HeldBy(context.Context, string) ([]counter.Series, error) { return nil, nil }

// putLedger writes a ledger as a person does.
func putLedger(t testing.TB, store *countertest.Mem, s counter.Series, l counter.Ledger) {
	t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	store.Put(s, string(text))
}

func TestARepairDoesWhatTheReportListsAndNothingElse(t *testing.T) {
	t.Parallel()
	db, store, who, r := broken(t)
	report := reportOf(t, db, store)
	p := &Repair{DB: db, Ledgers: store, Settle: r.numbers.Settle, Note: "By whom, when, and by which report."}

	dry := *p
	dry.DryRun = true
	if got := dry.outcomes(t, report); got != "unknown_holder would be repaired, unaccounted would be repaired" {
		t.Errorf("dry: %s", got)
	}
	if n := ask[int](t, db, `select count(*) from documents where status = 'void'`); n != 0 {
		t.Errorf("a dry run made %d numbers void", n)
	}

	// Only what the report lists: 4 and 5, and no block.
	only := accounts.Report{Findings: []accounts.ReportedFinding{{Kind: accounts.Unaccounted, Series: series2026(who).String(), Ranges: []counter.Range{{First: 1, Last: 5}, {First: 12, Last: 20}}}}}
	if got := p.outcomes(t, only); got != "unaccounted repaired" {
		t.Errorf("only some: %s", got)
	}
	voids := `select coalesce(string_agg(number || ' ' || reason, ', ' order by number), '') from documents where status = 'void'`
	if got := ask[string](t, db, voids); got != "4 operator, 5 operator" {
		t.Errorf("void are %s", got)
	}

	if got := ask[string](t, db, `select string_agg(distinct void_by || ': ' || void_note, ', ') from documents where status = 'void'`); got != "operator: "+p.Note {
		t.Errorf("the books say %s", got)
	}

	tight := *p
	tight.AtMost = 3
	if got := tight.outcomes(t, report); got != "unknown_holder repaired, unaccounted left" {
		t.Errorf("at most 3: %s", got)
	}
	if got := p.outcomes(t, report); got != "unknown_holder no longer so, unaccounted repaired" {
		t.Errorf("all: %s", got)
	}
	if got := p.outcomes(t, report); got != "unknown_holder no longer so, unaccounted no longer so" {
		t.Errorf("again: %s", got)
	}
	mustBeClean(t, db, store)
	// What the ghost held is used next.
	if got := r.mustIssue(t, request(who, "next", "n")).Invoice.Number; got != 10 {
		t.Errorf("the next number is %d, want 10", got)
	}
}

func TestWhatFolioCannotRepairIsLeftWithAdvice(t *testing.T) {
	t.Parallel()
	db, store, who, r := broken(t)
	s := series2026(who).String()
	p := &Repair{DB: db, Ledgers: store, Settle: r.numbers.Settle}
	report := accounts.Report{}
	for _, kind := range []accounts.Kind{accounts.ForeignKey, accounts.BelowFirst, accounts.StrictLedger, accounts.StrictBehind, "totals", "a kind of tomorrow"} {
		report.Findings = append(report.Findings, accounts.ReportedFinding{Kind: kind, Series: s, Ranges: []counter.Range{{First: 4, Last: 9}}})
	}
	if got := p.outcomes(t, report); strings.Count(got, "left") != len(report.Findings) {
		t.Errorf("%s", got)
	}
	// A row that is gone is evidence: its number does not become void.
	gone := accounts.Report{Findings: []accounts.ReportedFinding{
		{Kind: accounts.RowGone, Series: s, Ranges: []counter.Range{{First: 4, Last: 9}}},
		{Kind: accounts.Unaccounted, Series: s, Ranges: []counter.Range{{First: 4, Last: 9}}},
	}}
	if got := p.outcomes(t, gone); got != "unaccounted left, row_gone left" {
		t.Errorf("%s", got)
	}
	// Nonsense in a report does nothing.
	for _, bad := range []string{"", "acme", "acme/invoice", "../../x", "ACME/invoice/2026"} {
		nonsense := accounts.Report{Findings: []accounts.ReportedFinding{{Kind: accounts.Unaccounted, Series: bad, Ranges: []counter.Range{{First: 1, Last: 9}}}}}
		if got := p.outcomes(t, nonsense); got != "unaccounted left" {
			t.Errorf("%q: %s", bad, got)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents where status = 'void'`); n != 0 {
		t.Errorf("%d numbers became void", n)
	}
}

func TestALedgerIsRebuiltWhileItStillHasTo(t *testing.T) {
	t.Parallel()
	db, store, who, r := broken(t)
	putLedger(t, store, series2026(who), counter.Ledger{Mark: 2})
	report := reportOf(t, db, store)
	var asked []counter.Series
	p := &Repair{DB: db, Ledgers: store, Settle: r.numbers.Settle}
	p.Rebuild = func(_ context.Context, s counter.Series) (string, error) {
		asked = append(asked, s)
		putLedger(t, store, s, counter.Ledger{Mark: 3})
		return "rebuilt", nil
	}
	if got := p.outcomes(t, report); got != "ledger_behind repaired" || len(asked) != 1 || asked[0] != series2026(who) {
		t.Errorf("%s of %v", got, asked)
	}
	if got := p.outcomes(t, report); got != "ledger_behind no longer so" || len(asked) != 1 {
		t.Errorf("again: %s of %v", got, asked)
	}
	mustBeClean(t, db, store)
}
