package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

func TestTheAuditFindsAMissingNumber(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	for range 5 {
		rep.mustIssue(t, request(who, "", "n"))
	}
	rep.stop()
	mustBeClean(t, db, store)
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `delete from documents where number = 3`)
	accounts, err := Audit(t.Context(), db, store, AuditFilter{Tenant: "acme"})
	if err != nil || len(accounts) != 1 {
		t.Fatalf("%+v, %v", accounts, err)
	}
	want := Account{Series: series2026(who), Mark: 5, Issued: 4, Missing: []counter.Range{{First: 3, Last: 3}}}
	if diff := cmp.Diff(want, accounts[0]); diff != "" {
		t.Errorf("want (-) got (+):\n%s", diff)
	}
}

func TestTheAuditNamesBooksThatCannotBeRight(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	enrolled(t, db, "h")
	lost, damaged := testSeries, testSeries
	lost.Tenant, damaged.Tenant = "lost", "damaged"
	for _, s := range []counter.Series{testSeries, lost, damaged} {
		batchInFlight(t, db, insertBatch, "h", s, 2)()
	}
	store.Put(testSeries, `{"Mark":1}`)
	store.Put(damaged, `abc`)
	accounts, err := Audit(t.Context(), db, store, AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"acme": "above the mark", "lost": "no ledger", "damaged": "damaged"}
	for _, a := range accounts {
		if text := strings.Join(a.Findings, "\n"); !strings.Contains(text, want[a.Series.Tenant]) || a.Clean() {
			t.Errorf("%s: findings %q, want one with %q", a.Series, text, want[a.Series.Tenant])
		}
		delete(want, a.Series.Tenant)
	}
	if len(want) > 0 {
		t.Errorf("no account of %v", want)
	}
}

// What moves while it runs is never called missing.
func TestTheAuditIsCleanUnderLoad(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range 2 {
		rep := newReplica(t, db, store)
		for j := range 4 {
			load.Go(func() {
				for k := 0; ctx.Err() == nil; k++ {
					if _, err := rep.Issue(ctx, request(who, fmt.Sprintf("%d-%d-%d", i, j, k), "n")); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
	}
	for range 20 {
		mustBeClean(t, db, store)
	}
	cancel()
	load.Wait()
}

// movingLedgers lets invoices be issued before and after a ledger is read.
type movingLedgers struct {
	Ledgers
	move func()
}

func (m movingLedgers) Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error) {
	m.move()
	defer m.move()
	return m.Ledgers.Load(ctx, s)
}

func TestWhatIsIssuedWhileTheAuditReadsIsNotMissed(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	rep.mustIssue(t, request(who, "", "n"))
	accounts, err := Audit(t.Context(), db, movingLedgers{store, func() {
		for range 3 {
			rep.mustIssue(t, request(who, "", "n"))
		}
	}}, AuditFilter{})
	if err != nil || len(accounts) != 1 || !accounts[0].Clean() {
		t.Errorf("%+v, %v", accounts, err)
	}
}

func TestVoidingKeepsWhatHasARow(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	batchInFlight(t, db, insertBatch, "h", testSeries, 3)()
	owner := &Owner{DB: db}
	for range 2 {
		if err := owner.Void(t.Context(), "h", testSeries, []counter.Range{r(4, 12_000), r(1, 3)}, "restore"); err != nil {
			t.Fatal(err)
		}
	}
	fenced := counter.Block{Holder: "h", Era: enrolled(t, db, "h"), Serial: 1, Range: r(20_001, 20_001)}
	if _, err := owner.Settle(t.Context(), testSeries, fenced); err != nil {
		t.Fatal(err)
	}
	if err := owner.Void(t.Context(), "h", testSeries, []counter.Range{r(12_001, 12_002)}, "restore"); !errors.Is(err, counter.ErrLost) {
		t.Errorf("a fenced holder voided numbers: %v", err)
	}
	got, err := db.allRuns(t.Context(), testSeries)
	want := []run{{r(1, 2), statusVoid}, {r(3, 3), statusIssued}, {r(4, 12_000), statusVoid}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, want (-) got (+):\n%s", err, diff)
	}
	if floor, err := owner.Floor(t.Context(), testSeries); floor != 12_000 || err != nil {
		t.Errorf("floor %d, %v", floor, err)
	}
}
