package invoices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
)

func r(first, last int64) counter.Range { return counter.Range{First: first, Last: last} }

// What a superuser removes below the audited mark only a full audit sees; from then on
// every audit does.
func TestTheAuditFindsAMissingNumber(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	for range 5 {
		rep.mustIssue(t, request(who, "", "n"))
	}
	db.exec(t, `alter table documents disable trigger all`)
	incremental, full := &Audit{DB: db, Ledgers: store}, &Audit{DB: db, Ledgers: store, Full: true}
	mustFind := func(a *Audit, issued int64, kinds ...accounts.Kind) {
		t.Helper()
		got := audited(t, a)
		found := kindsOf(got[0])
		for _, f := range got[0].Findings {
			if !cmp.Equal(f.Ranges, []counter.Range{r(3, 3)}) || f.Series != series2026(who) {
				t.Errorf("%+v is not about 3", f)
			}
		}
		if len(got) != 1 || got[0].Issued.Count != issued || !slices.Equal(found, kinds) {
			t.Errorf("%+v, want %d issued and findings %v", got, issued, kinds)
		}
	}
	remove := `delete from documents where number = 3`
	db.exec(t, remove)
	mustFind(incremental, 4, accounts.Unaccounted) // above the mark: nothing was audited yet
	back := `insert into documents (tenant, series, period, number, status, created_at, reason) values ($1, $2, $3, 3, 'void', now(), 'operator')`
	s := series2026(who)
	db.exec(t, back, s.Tenant, s.Name, s.Period)
	mustFind(incremental, 4)
	if got := ask[int64](t, db, `select mark from audited`); got != 5 {
		t.Errorf("audited up to %d", got)
	}
	db.exec(t, remove)
	mustFind(incremental, 4) // below the mark: it is not looked at
	mustFind(full, 4, accounts.Unaccounted, accounts.RowGone)
	mustFind(full, 4, accounts.Unaccounted)
	mustFind(incremental, 4, accounts.Unaccounted)
	db.exec(t, `delete from documents where number < 3`)
	audited(t, full)
	if got := ask[int64](t, db, `select mark from audited`); got != 0 {
		t.Errorf("audited up to %d, although 1 has no row", got)
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
	want := map[string][]accounts.Kind{
		"acme": {accounts.Unaccounted, accounts.LedgerBehind}, "lost": {accounts.LedgerMissing}, "damaged": {accounts.LedgerDamaged},
	}
	for _, a := range audited(t, &Audit{DB: db, Ledgers: store}) {
		if found := kindsOf(a); !slices.Equal(found, want[a.Series.Tenant]) {
			t.Errorf("%s: findings %+v, want %v", a.Series, a.Findings, want[a.Series.Tenant])
		}
		delete(want, a.Series.Tenant)
	}
	if len(want) > 0 {
		t.Errorf("no account of %v", want)
	}
}

// A block is somebody's whom Postgres knows as a holder, or etcd as registered.
func TestABlockOfAnUnknownHolderIsFound(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	enrolled(t, db, "enrolled.1")
	if _, err := store.Register(t.Context(), counter.Holder{Name: "registered.1"}); err != nil {
		t.Fatal(err)
	}
	store.Put(testSeries, `{"Mark":3,"Serial":3,"Held":[{"serial":1,"first":1,"last":1,"holder":"enrolled.1"},
		{"serial":2,"first":2,"last":2,"holder":"registered.1"},{"serial":3,"first":3,"last":3,"holder":"stranger.1"}]}`)
	got := audited(t, &Audit{DB: db, Ledgers: store})
	if len(got) != 1 || !slices.Equal(kindsOf(got[0]), []accounts.Kind{accounts.UnknownHolder}) || got[0].Held.Count != 3 ||
		!slices.Equal(got[0].Findings[0].Ranges, []counter.Range{r(3, 3)}) {
		t.Errorf("%+v", got)
	}
}

func TestAKeyAmongTheLedgersThatNamesNoSeriesIsFound(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	summary, err := (&Audit{DB: db, Ledgers: foreignKey{&countertest.Mem{}}}).Run(t.Context(), func(accounts.Account) error { return nil })
	if err != nil || summary.FindingsInAll != 1 || len(summary.Findings) != 1 || summary.Findings[0].Kind != accounts.ForeignKey {
		t.Errorf("%+v, %v", summary, err)
	}
}

// foreignKey is a store with a key of somebody else's among the ledgers.
type foreignKey struct{ *countertest.Mem }

func (f foreignKey) LoadPage(ctx context.Context, selected counter.Selection, from string) (counter.Page, error) {
	page, err := f.Mem.LoadPage(ctx, selected, from)
	page.Foreign = []string{"/folio/ledger/x"}
	return page, err
}

// An audit that is told to stop, or cannot read a store, says so and not that all is well.
func TestAnAuditThatCannotBeFinishedSaysSo(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	store.Put(testSeries, `{"Mark":1,"Serial":1,"Free":[{"first":1,"last":1}]}`)
	told := errors.New("enough")
	if _, err := (&Audit{DB: db, Ledgers: store}).Run(t.Context(), func(accounts.Account) error { return told }); !errors.Is(err, told) {
		t.Errorf("stopped by its caller: %v", err)
	}
	for _, op := range []string{"LoadPage", "LoadMany", "Alive"} {
		broken := &countertest.Mem{Faults: func(called string, _ counter.Series) countertest.Fault { return countertest.Fault{Drop: called == op} }}
		broken.Put(testSeries, `{"Mark":1,"Serial":1,"Held":[{"serial":1,"first":1,"last":1,"holder":"stranger.1"}]}`)
		if op == "LoadMany" {
			db.rowsOf(t, testSeries, statusIssued, "", r(2, 2)) // above the mark
		}
		if _, err := (&Audit{DB: db, Ledgers: broken}).Run(t.Context(), func(accounts.Account) error { return nil }); !errors.Is(err, countertest.ErrFault) {
			t.Errorf("without %s: %v", op, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Audit{DB: db, Ledgers: store}).Run(t.Context(), func(accounts.Account) error { return nil }); err == nil {
		t.Error("without Postgres it says nothing")
	}
}

func kindsOf(a accounts.Account) (kinds []accounts.Kind) {
	for _, f := range a.Findings {
		kinds = append(kinds, f.Kind)
	}
	return kinds
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
		a, err := AccountOf(t.Context(), db, store, series2026(who))
		if err != nil || !a.Clean() || a.Sum() != a.Mark {
			t.Errorf("%v, %+v", err, a.Findings)
		}
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
	accounts := audited(t, &Audit{DB: db, Ledgers: movingLedgers{store, func() {
		for range 3 {
			rep.mustIssue(t, request(who, "", "n"))
		}
	}}})
	if len(accounts) != 1 || !accounts[0].Clean() {
		t.Errorf("%+v", accounts)
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
	if got, want := statusesOf(t, db, testSeries), "1-2 void, 3 issued, 4-12000 void"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if floor, err := owner.Floor(t.Context(), testSeries); floor != 12_000 || err != nil {
		t.Errorf("floor %d, %v", floor, err)
	}
}
