package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"folio/counter/countertest"
	"folio/invoices/accounts"
	"folio/invoices/deep"
)

// deepBooks issues whatever folio can issue: documents of several formats, numbers
// of documents elsewhere, credit notes of parts and of the rest, in series with
// blocks and strict ones, moved in and exported.
func deepBooks(t testing.TB) (*DB, *countertest.Mem, Identity, *replica) {
	t.Helper()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	importer(t, db, store, "csv").mustImport(t, old(41, 42, 45, 48))
	r := newReplica(t, db, store)
	strict := strictSeriesFor(t, db, who, "gapless")
	for i := range 12 {
		made := r.mustIssue(t, request(who, fmt.Sprint("r", i), "n")).Invoice
		r.mustIssue(t, strictRequest(who, strict.Name, "", "n"))
		switch i % 4 {
		case 0:
			r.mustCancel(t, cancellation(who, made.ID, "", nil))
		case 1:
			r.mustCancel(t, cancellation(who, made.ID, fmt.Sprint("p", i), part(0, "0.7")))
			r.mustCancel(t, cancellation(who, made.ID, fmt.Sprint("q", i), part(0, "0.6")))
			r.mustCancel(t, cancellation(who, made.ID, "", nil))
		case 2:
			r.mustCancel(t, cancellation(who, made.ID, fmt.Sprint("p", i), part(0, "0.7")))
		}
		if i == 5 {
			s, err := (&SeriesBook{DB: db}).Find(t.Context(), who.Tenant, "invoice")
			if err != nil {
				t.Fatal(err)
			}
			s.Format = "R-{yyyy}-{seq:7}"
			if _, _, err := (&SeriesBook{DB: db, Ledgers: store}).Put(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, series := range []string{"invoice", strict.Name} {
		if _, err := r.TakeNumbers(t.Context(), NumbersRequest{Identity: who, ID: "ext" + series, Series: series, Count: 3, IssueDate: "2026-03-14"}); err != nil {
			t.Fatal(err)
		}
	}
	return db, store, who, r
}

// mustDeep checks the content of all documents.
func mustDeep(t testing.TB, a DeepAudit) DeepReport {
	t.Helper()
	report, err := a.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestDocumentsAsFolioIssuesThemHaveNoFault(t *testing.T) {
	t.Parallel()
	db, _, who, r := deepBooks(t)
	report := mustDeep(t, DeepAudit{DB: db})
	if n := ask[int64](t, db, `select count(*) from documents`); len(report.Findings) > 0 || report.Checked != n || n < 50 {
		t.Errorf("of %d documents %d were checked: %+v", n, report.Checked, report.Findings)
	}
	// What is new, and nothing else, is looked at the next time.
	if again := mustDeep(t, DeepAudit{DB: db}); again.Checked != 0 || len(again.Findings) > 0 {
		t.Errorf("unchanged: %+v", again)
	}
	r.mustIssue(t, request(who, "one more", "n"))
	if again := mustDeep(t, DeepAudit{DB: db}); again.Checked != 1 {
		t.Errorf("one more: %+v", again)
	}
	if full := mustDeep(t, DeepAudit{DB: db, Full: true}); full.Checked != report.Checked+1 {
		t.Errorf("full: %+v", full)
	}
	// An export that is moved into another server is as right there.
	there := migrated(t)
	moveTo(t, db, there)
	if moved := mustDeep(t, DeepAudit{DB: there}); len(moved.Findings) > 0 || moved.Checked < report.Checked {
		t.Errorf("moved: %+v", moved)
	}
}

// moveTo exports acme from one server and imports it on another.
func moveTo(t testing.TB, from, to *DB) {
	t.Helper()
	var file strings.Builder
	if err := from.Export(t.Context(), "acme", &file); err != nil {
		t.Fatal(err)
	}
	im := importer(t, to, &countertest.Mem{}, "jsonl")
	im.CreateTenant = true
	im.mustImport(t, file.String())
}

// tamper changes rows as only somebody with the rights of an administrator can.
func (db *DB) tamper(t testing.TB, statement string, args ...any) {
	t.Helper()
	for _, table := range []string{"documents", "credit_notes"} {
		db.exec(t, `alter table `+table+` disable trigger user`)
	}
	db.exec(t, statement, args...)
	for _, table := range []string{"documents", "credit_notes"} {
		db.exec(t, `alter table `+table+` enable trigger user`)
	}
}

func TestEachPlantedFaultInTheTablesIsFound(t *testing.T) {
	t.Parallel()
	db, _, _, _ := deepBooks(t)
	const of = ` where tenant = 'acme' and series = 'invoice' and period = '2026' and number = `
	tables := []string{"documents", "credits", "credit_notes"}
	for _, table := range tables {
		db.exec(t, `create table kept_`+table+` as table `+table)
	}
	for _, c := range []struct{ kind, statement string }{
		{deep.KindPrinted, `update documents set printed_number = 'INV-2026-999999'` + of + `2`},
		{deep.KindColumns, `update documents set gross = gross + 1` + of + `4`},
		{deep.KindColumns, `update documents set currency = 'USD'` + of + `4`},
		{deep.KindTotals, `update documents set content = replace(content::text, '"quantity":"2"', '"quantity":"3"')::json` + of + `4`},
		{deep.KindContent, `update documents set content = '[]'` + of + `12`},
		{deep.KindRequest, `update documents set digest = '\x00'` + of + `8`},
		{deep.KindRequest, `update documents set request_id = 'nobody'` + of + `8`},
		{deep.KindBlock, `update documents set block_first = number + 1, block_last = number + 2` + of + `8`},
		{deep.KindBlock, `update documents set holder = null, block_serial = null, block_first = null, block_last = null` + of + `8`},
		{deep.KindPeriod, `update documents set issue_date = '2025-03-14'` + of + `15`},
		{deep.KindCredits, `update credits set credited = credited - 1, closed = false` + of + `1`},
		{deep.KindCredits, `update credits set notes = notes + 1` + of + `2`},
		{deep.KindCredits, `update credits set closed = false` + of + `1`},
		{deep.KindCredits, `insert into credits (tenant, series, period, number, gross) values ('acme', 'invoice', '2026', 999, 1)`},
		{deep.KindCredits, `insert into credits (tenant, series, period, number, gross) values ('acme', 'nowhere', '', 1, 1)`},
		{deep.KindCredits, `update credit_notes set place = place + 5 where place = 1 and invoice_number = 1`},
		{deep.KindCredits, `update credit_notes set lines = '[{"line":0,"quantity":"0.1"}]' where place = 1 and invoice_number = 3`},
		{deep.KindCredits, `update documents set credits_number = 4 where series = 'credit-note' and credits_number = 1`},
		{deep.KindCredits, `delete from documents where series = 'credit-note' and credits_number = 7`},
		{deep.KindCredits, `delete from credit_notes where invoice_number = 11`},
	} {
		db.tamper(t, c.statement)
		report := mustDeep(t, DeepAudit{DB: db, Full: true, Workers: 1})
		if !slices.ContainsFunc(report.Findings, func(f accounts.Finding) bool { return string(f.Kind) == c.kind }) {
			t.Errorf("%s\nnot found: %+v", c.statement, report.Findings)
		}
		if again := mustDeep(t, DeepAudit{DB: db}); fmt.Sprint(again.Findings) != fmt.Sprint(report.Findings) {
			t.Errorf("%s\nforgotten: %+v\nof %+v", c.statement, again.Findings, report.Findings)
		}
		// Put right it is no finding any more, without a look at everything.
		for _, table := range tables {
			db.tamper(t, `delete from `+table)
			db.tamper(t, `insert into `+table+` select * from kept_`+table)
		}
		if again := mustDeep(t, DeepAudit{DB: db}); len(again.Findings) > 0 || again.Checked > 20 {
			t.Errorf("%s\nput right: %+v", c.statement, again)
		}
	}
}

func TestADeepAuditThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	generate(t, db, who.Tenant, 2000)
	db.tamper(t, `update documents set gross = gross + 1 where number in (7, 1990)`)
	ctx, kill := context.WithCancel(t.Context())
	var noted int64
	_, err := (&DeepAudit{DB: db, Progress: func(p DeepProgress) {
		if noted = p.Checked; noted > 300 {
			kill()
		}
	}}).Run(ctx)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrUnavailable) {
		t.Fatalf("killed: %v", err)
	}
	report := mustDeep(t, DeepAudit{DB: db})
	if report.Checked > 2000-noted+1 || report.Checked < 1000 {
		t.Errorf("after %d of 2000 the next run looked at %d", noted, report.Checked)
	}
	if len(report.Findings) != 1 || fmt.Sprint(report.Findings[0].Ranges) != "[7 1990]" {
		t.Errorf("found %+v", report.Findings)
	}
}
