package invoices

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
)

// rowsOf stores rows of a series as an import would: external numbers, and voids.
func (db *DB) rowsOf(t testing.TB, s counter.Series, status, reason string, ranges ...counter.Range) {
	t.Helper()
	for _, of := range ranges {
		if status == statusVoid {
			db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, reason)
				select $1, $2, $3, n, 'void', now(), $4 from generate_series(cast($5 as bigint), cast($6 as bigint)) n`,
				s.Tenant, s.Name, s.Period, reason, of.First, of.Last)
			continue
		}
		db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date, printed_number, kind)
			select $1, $2, $3, n, 'issued', now(), cast($4 as text) || n, '', 'k', '2026-01-01', cast($4 as text) || n, 'external'
			from generate_series(cast($5 as bigint), cast($6 as bigint)) n`,
			s.Tenant, s.Name, s.Period, s.String()+"-", of.First, of.Last)
	}
}

// textOf tells an account as a person would write it.
func textOf(a accounts.Account) string {
	text := fmt.Sprintf("%d-%d: issued %s; void", a.First, a.Mark, accounts.Text(a.Issued.Ranges))
	for _, v := range a.Void.Reasons {
		text += fmt.Sprintf(" %s %s,", v.Reason, accounts.Text(v.Ranges))
	}
	return text + fmt.Sprintf(" held %s; free %s; unaccounted %s", accounts.Text(a.Held.Ranges), accounts.Text(a.Free.Ranges), accounts.Text(a.Unaccounted.Ranges))
}

// The exact account is the same whether the series was audited before or not, and what
// was annulled after that counts as void.
func TestAnAccountIsExactWhateverWasAuditedBefore(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	enrolled(t, db, "h.1")
	db.rowsOf(t, testSeries, statusIssued, "", r(1, 4), r(7, 9), r(16, 16))
	db.rowsOf(t, testSeries, statusVoid, "seek", r(5, 6), r(11, 14))
	store.Put(testSeries, `{"Mark":20,"Serial":3,"Held":[{"serial":3,"first":15,"last":19,"holder":"h.1"}],"Free":[{"first":10,"last":10}]}`)
	before := "1-20: issued 1-4, 7-9, 16; void seek 5-6, 11-14, held 15, 17-19; free 10; unaccounted 20"
	after := "1-20: issued 1, 4, 7-9; void never_made 2-3, 16, seek 5-6, 11-14, held 15, 17-19; free 10; unaccounted 20"
	see := func(want string) {
		t.Helper()
		a, err := AccountOf(t.Context(), db, store, testSeries)
		if got := textOf(a); err != nil || got != want || a.Sum() != 20 {
			t.Errorf("%v, %s\nwant %s", err, got, want)
		}
		if a.AsOf.Revision != 1 || a.AsOf.Snapshot == "" || a.AsOf.At.IsZero() {
			t.Errorf("as of %+v", a.AsOf)
		}
	}
	see(before)
	for _, full := range []bool{false, false, true} {
		got := audited(t, &Audit{DB: db, Ledgers: store, Full: full})
		if len(got) != 1 || got[0].Issued.Count != 8 || got[0].Void.Count != 6 || got[0].Unaccounted.Count != 1 {
			t.Errorf("%+v", got)
		}
		see(before)
	}
	mark := ask[string](t, db, `select first || '-' || mark || ' = ' || issued || ' + ' || void from audited`)
	if mark != "1-9 = 7 + 2" {
		t.Errorf("audited %s", mark)
	}
	db.exec(t, `insert into annulments (tenant, series, period, number, reason, key_id, voided_at)
		select tenant, series, period, number, 'never_made', 'k', now() from documents where number in (2, 3, 16)`)
	see(after)
	if got := audited(t, &Audit{DB: db, Ledgers: store}); got[0].Issued.Count != 5 || got[0].Void.Count != 9 {
		t.Errorf("after some were annulled: %+v", got)
	}
}

func TestAnAccountBelongsToItsTenantAlone(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	other := testSeries
	other.Tenant = "other"
	db.rowsOf(t, testSeries, statusIssued, "", r(1, 3))
	db.rowsOf(t, other, statusIssued, "", r(1, 1))
	store.Put(testSeries, `{"Mark":3,"Serial":3}`)
	store.Put(other, `{"Mark":1,"Serial":1}`)
	a, err := AccountOf(t.Context(), db, store, other)
	if err != nil || a.Issued.Count != 1 || !a.Clean() {
		t.Errorf("%+v, %v", a, err)
	}
	never, err := AccountOf(t.Context(), db, store, counter.Series{Tenant: "acme", Name: "never"})
	if err != nil || never.Sum() != 0 || !never.Clean() {
		t.Errorf("a series never used: %+v, %v", never, err)
	}
}

// Many series, of every sort, over several pages and with every store, come once each
// and in order.
func TestTheAuditGoesThroughEverySeriesOnce(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	var want []string
	for i, tenant := range []string{"a", "a-b", "ab", "b"} {
		for _, period := range []string{"", "2025", "2026"} {
			s := counter.Series{Tenant: tenant, Name: "invoice", Period: period}
			if (i+len(period))%3 != 0 {
				db.rowsOf(t, s, statusIssued, "", r(1, 3))
			}
			if (i+len(period))%3 != 1 {
				store.Put(s, `{"Mark":2,"Serial":3}`)
			}
			want = append(want, s.String())
		}
	}
	db.exec(t, `insert into strict_counters (tenant, series, period, first, mark, era) values ('a-', 'lost', '', 1, 2, ''), ('z', 'unused', '', 1, 0, '')`)
	want = append(want, "a-/lost/-")
	slices.Sort(want)
	for name, ledgers := range map[string]Ledgers{"pages": store, "bulk": bulkOnly{store, store}, "one by one": movingLedgers{store, func() {}}} {
		var got []string
		audit := &Audit{DB: db, Ledgers: ledgers}
		for _, a := range audited(t, audit) {
			if got = append(got, a.Series.String()); a.Clean() {
				t.Errorf("%s: %s is clean", name, a.Series)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want (-) got (+):\n%s", name, diff)
		}
		period := "2025"
		audit.Of = counter.Selection{Tenant: "a-b", Name: "invoice", Period: &period}
		if got := audited(t, audit); len(got) != 1 || got[0].Series.String() != "a-b/invoice/2025" {
			t.Errorf("%s: one series: %+v", name, got)
		}
		audit.Of = counter.Selection{Tenant: "a"}
		if got := audited(t, audit); len(got) != 3 || got[0].Series.Tenant != "a" || got[2].Series.Tenant != "a" {
			t.Errorf("%s: one tenant: %+v", name, got)
		}
	}
}

// bulkOnly loads many ledgers, but no pages.
type bulkOnly struct {
	Ledgers
	bulk counter.BulkLoader
}

func (b bulkOnly) LoadMany(ctx context.Context, all []counter.Series) ([]counter.Loaded, error) {
	return b.bulk.LoadMany(ctx, all)
}
