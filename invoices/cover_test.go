package invoices

import (
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"pgregory.net/rapid"
)

// What is counted and what is looked at number by number agree with the rows, wherever
// their gaps are and wherever the audit came before.
func TestRowsAreCoveredExactly(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	rapid.Check(t, func(rt *rapid.T) {
		db.exec(t, `alter table documents disable trigger all`)
		db.exec(t, `delete from documents`)
		db.exec(t, `delete from audited`)
		var rows, voids []counter.Range
		for n := int64(rapid.IntRange(1, 3).Draw(rt, "from")); n < 40; n++ {
			kind := rapid.SampledFrom([]string{"", statusIssued, statusIssued, statusVoid}).Draw(rt, "kind")
			length := int64(rapid.IntRange(1, 8).Draw(rt, "length"))
			if kind != "" {
				db.rowsOf(t, testSeries, kind, "test", r(n, n+length-1))
				rows = append(rows, r(n, n+length-1))
			}
			if kind == statusVoid {
				voids = append(voids, r(n, n+length-1))
			}
			n += length
			if len(rows) == 2 && rapid.Bool().Draw(rt, "audit") {
				store.Put(testSeries, `{"Mark":20,"Serial":1}`)
				audited(t, &Audit{DB: db, Ledgers: store})
			}
		}
		store.Put(testSeries, `{"Mark":50,"Serial":1}`)
		rows, voids = accounts.Merged(rows), accounts.Merged(voids)
		exact, err := AccountOf(t.Context(), db, store, testSeries)
		if err != nil {
			rt.Fatal(err)
		}
		missing := accounts.Without([]counter.Range{r(1, 50)}, rows)
		if diff := cmp.Diff([][]counter.Range{accounts.Without(rows, voids), voids, missing}, [][]counter.Range{exact.Issued.Ranges, exact.Void.Ranges, exact.Unaccounted.Ranges}); diff != "" {
			rt.Fatalf("want (-) got (+):\n%s", diff)
		}
		for _, full := range []bool{false, true} {
			got := audited(t, &Audit{DB: db, Ledgers: store, Full: full})
			if got[0].Issued.Count != exact.Issued.Count || got[0].Void.Count != exact.Void.Count || !cmp.Equal(got[0].Unaccounted, exact.Unaccounted) {
				rt.Fatalf("full %t: %+v, exactly it is %+v", full, got[0], exact)
			}
		}
	})
}

// Documents are counted and voids are found by their indexes alone, for the auditor as
// for a request: what the table itself keeps is not read.
func TestAccountingReadsIndexesOnly(t *testing.T) {
	onlyWhole(t)
	t.Parallel()
	db := migrated(t)
	db.rowsOf(t, testSeries, statusIssued, "", r(1, 20_000))
	db.rowsOf(t, testSeries, statusVoid, "test", r(20_001, 20_100))
	db.exec(t, `vacuum (analyze) documents`)
	plan := func(q sqlx.QueryerContext, statement string, args ...any) string {
		t.Helper()
		var lines []string
		if err := sqlx.SelectContext(t.Context(), q, &lines, `explain `+statement, args...); err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	all := []*tally{{series: testSeries}}
	columns := stretchColumns(all, []stretch{{0, r(1, 20_100)}})
	hold := func(who, index, plan string) {
		t.Helper()
		if !strings.Contains(plan, "Index Only Scan using "+index) || strings.Contains(plan, "Seq Scan on documents") || strings.Contains(plan, "Heap Scan on documents") {
			t.Errorf("%s: not by %s alone:\n%s", who, index, plan)
		}
	}
	look := func(who string) func(q sqlx.QueryerContext) error {
		return func(q sqlx.QueryerContext) error {
			hold(who, "documents_key", plan(q, countDocuments, append(columns, rowsOfOne)...))
			hold(who, "documents_key", plan(q, selectIslands, columns...))
			hold(who, "documents_key", plan(q, selectSeen, columns...))
			hold(who, "documents_voids", plan(q, countVoids, append(columns, rowsOfOne)...))
			hold(who, "documents_voids", plan(q, selectVoidReasons, testSeries.Tenant, testSeries.Name, testSeries.Period, 1, 20_100, rowsOfOne))
			return nil
		}
	}
	if err := db.readSnapshot(t.Context(), testSeries.Tenant, "look", look("the reader")); err != nil {
		t.Error(err)
	}
	if err := look("the auditor")(db.audits); err != nil {
		t.Error(err)
	}
	hold("the auditor", "documents_key", plan(db.audits, selectWithDocuments, "", "", "", "", seriesAtOnce))
}

// However far apart rows are, they are read row by row, not number by number.
func TestRowsThatLieFarApartAreReadAtOnce(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	db.rowsOf(t, testSeries, statusIssued, "", r(1, 2), r(counter.MaxNumber-1, counter.MaxNumber))
	store.Put(testSeries, `{"Mark":5,"Serial":1,"Free":[{"first":3,"last":5}]}`)
	got := audited(t, &Audit{DB: db, Ledgers: store})
	want := []counter.Range{r(counter.MaxNumber-1, counter.MaxNumber)}
	if len(got) != 1 || len(got[0].Findings) != 1 || !cmp.Equal(got[0].Findings[0].Ranges, want) || got[0].Issued.Count != 2 {
		t.Errorf("%+v", got)
	}
	if exact, err := AccountOf(t.Context(), db, store, testSeries); err != nil || !cmp.Equal(exact.Findings, got[0].Findings) {
		t.Errorf("%+v, %v", exact, err)
	}
}
