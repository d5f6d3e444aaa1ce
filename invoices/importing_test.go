package invoices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// importer is an Import into acme, as folio import makes one.
func importer(t testing.TB, db *DB, store *countertest.Mem, format string) *Import {
	t.Helper()
	numbers := &counter.Allocator{Config: counter.Config{
		Store: store, Owner: &Owner{DB: db}, Pod: "import", Rules: (&CounterRules{DB: db}).Rules,
	}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = numbers.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-ended })
	return &Import{DB: db, Counter: numbers, Ledgers: store, Tenant: "acme", Format: format}
}

// old is a CSV file of invoices of 2025 with these numbers.
func old(numbers ...int) string {
	var text strings.Builder
	text.WriteString("number,issue_date,currency,net,tax,gross,customer_name,customer_tax_id\n")
	for _, n := range numbers {
		fmt.Fprintf(&text, "%d,2025-03-%02d,EUR,100.00,20.00,120.00,\"Ada, Countess\",ATU%08d\n", n, n%28+1, n)
	}
	return text.String()
}

func upToInts(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// mustImport fails the test if the file is refused.
func (im *Import) mustImport(t testing.TB, text string) ImportReport {
	t.Helper()
	report, err := im.Run(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// refused returns the problems of a file.
func (im *Import) refused(t testing.TB, in io.Reader) []string {
	t.Helper()
	_, err := im.Run(t.Context(), in)
	var bad *ImportError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want the file refused", err)
	}
	return bad.Problems
}

func series2025() counter.Series {
	return counter.Series{Tenant: "acme", Name: "invoice", Period: "2025"}
}

func TestImportedInvoicesKeepTheirNumbersAndTheCounterGoesOnAboveThem(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	report := importer(t, db, store, "csv").mustImport(t, old(41, 42, 45, 48))
	if report.Rows != 4 || len(report.Series) != 1 || report.Series[0].First != 41 || report.Series[0].Last != 48 {
		t.Errorf("%+v", report)
	}
	accounts := mustBeClean(t, db, store)
	if len(accounts) != 1 || accounts[0].Issued.Count != 4 || accounts[0].Void.Count != 4 || accounts[0].Mark != 48 {
		t.Errorf("%+v, want 4 issued and 4 void of 41 to 48", accounts)
	}
	if reasons := ask[string](t, db, `select string_agg(number || ' ' || reason, ', ' order by number) from documents where status = 'void'`); reasons != "43 import, 44 import, 46 import, 47 import" {
		t.Errorf("void: %s", reasons)
	}
	req := request(who, "next", "n")
	req.Draft.IssueDate = "2025-12-31"
	if got := newReplica(t, db, store).mustIssue(t, req); got.Invoice.Number != 49 {
		t.Errorf("the next invoice is number %d, want 49", got.Invoice.Number)
	}
	page, err := db.List(t.Context(), "acme", Query{Series: "invoice", Limit: 1})
	if err != nil || len(page.Invoices) != 1 {
		t.Fatal(page, err)
	}
	inv := page.Invoices[0]
	if inv.Number != 41 || inv.PrintedNumber != "INV-2025-000041" || inv.Totals.Gross != "120.00" || inv.Customer.Name != "Ada, Countess" || inv.Lines == nil || inv.Totals.Taxes == nil {
		t.Errorf("%+v", inv)
	}
	mustBeClean(t, db, store)
}

func TestTheSameFileAgainChangesNothing(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.mustImport(t, old(1, 2, 3))
	again := im.mustImport(t, old(1, 2, 3))
	if !again.Before || again.Rows != 3 {
		t.Errorf("%+v", again)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 3 {
		t.Errorf("%d documents", n)
	}
	if n := ask[int](t, db, `select count(*) from import_rows`); n != 0 {
		t.Errorf("%d rows are still staged", n)
	}
}

func TestADryRunChecksEverythingAndStoresNothing(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.mustImport(t, old(7))
	im.DryRun = true
	report := im.mustImport(t, old(8, 9))
	if report.Rows != 2 || len(report.Series) != 1 {
		t.Errorf("%+v", report)
	}
	if got := im.refused(t, strings.NewReader(old(7, 8, 8))); len(got) < 2 {
		t.Errorf("%q, want the number that is taken and the one that is there twice", got)
	}
	for _, table := range []string{"import_rows", "import_parts"} {
		if n := ask[int](t, db, `select count(*) from `+table); n != 0 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents", n)
	}
}

func TestADryRunOfWhatIsStoredAlreadySaysSoAndMovesNothing(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.Counter = noSeeks{}
	if _, err := im.Run(t.Context(), strings.NewReader(old(1, 2))); err == nil {
		t.Fatal("the counter was moved")
	}
	im.DryRun, im.Counter = true, nil
	if report := im.mustImport(t, old(1, 2)); !report.Before || report.Rows != 2 || len(report.Series) != 1 {
		t.Errorf("%+v", report)
	}
}

func TestAClashIsNamedByItsLineAndNothingIsStored(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.mustImport(t, old(5))
	const header = "number,printed_number,issue_date,currency,net,gross,customer_name,kind,series,credits\n"
	row := func(text string) string { return header + "9,A-9,2025-01-01,EUR,1,1,Ada,,,\n" + text }
	for name, c := range map[string]struct{ text, want string }{
		"a number that is taken":            {row("5,A-5,2025-01-01,EUR,1,1,Ada,,,\n"), "line 3: number 5 of invoice 2025 is taken already"},
		"a printed number that is taken":    {row("6,INV-2025-000005,2025-01-01,EUR,1,1,Ada,,,\n"), "line 3: printed number INV-2025-000005 is taken by number 5"},
		"a number twice in the file":        {row("9,A-10,2025-01-01,EUR,1,1,Ada,,,\n"), "line 3: invoice 2025 number 9 is on line 2 already"},
		"a printed number twice":            {row("10,A-9,2025-01-01,EUR,1,1,Ada,,,\n"), "line 3: printed number A-9 is on line 2 already"},
		"a credit note for nothing":         {row("1,C-1,2025-01-01,EUR,1,1,Ada,credit_note,credit-note,A-77\n"), "line 3: credits A-77, which is no invoice"},
		"numbers below the first":           {row("4,A-4,2025-01-01,EUR,1,1,Ada,,,\n"), "line 3: number 4 is below 5"},
		"a number absurdly far":             {row("9007199254740991,A-X,2025-01-01,EUR,1,1,Ada,,,\n"), "more than 1000000 numbers void"},
		"sums that do not add up":           {row("11,A-11,2025-01-01,EUR,3,x,Ada,,,\n"), "line 3, column gross: is no decimal number"},
		"a series that does not exist":      {row("11,A-11,2025-01-01,EUR,3,3,Ada,,other,\n"), `line 3, column series: there is no series "other"`},
		"a missing date":                    {row("11,A-11,,EUR,3,3,Ada,,,\n"), "line 3, column issue_date: is required"},
		"a missing field":                   {row("11,A-11\n"), "line 3: wrong number of fields"},
		"a number that is none":             {row("11a,A-11,2025-01-01,EUR,3,3,Ada,,,\n"), "line 3, column number: is no number"},
		"a digit too much for the currency": {row("11,A-11,2025-01-01,JPY,3.5,3.5,Ada,,,\n"), "line 3, column net: has more than the 0 minor digits"},
		"no customer":                       {row("11,A-11,2025-01-01,EUR,3,3,,,,\n"), "line 3, column customer_name: is required"},
		"an unknown column":                 {"number,colour\n1,red\n", `line 1, column 2: "colour" is unknown; there are series, number,`},
		"nothing at all":                    {"", "line 1: the header is missing"},
	} {
		if got := im.refused(t, strings.NewReader(c.text)); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents, want the first alone", n)
	}
	if n := ask[int](t, db, `select count(*) from import_rows`); n != 0 {
		t.Errorf("%d rows are still staged", n)
	}
	mustBeClean(t, db, store)
}
