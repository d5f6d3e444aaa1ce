package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// oldStrict is a CSV file of invoices of a strict series without periods.
func oldStrict(series string, numbers ...int) string {
	var text strings.Builder
	text.WriteString("series,number,issue_date,currency,net,gross,customer_name\n")
	for _, n := range numbers {
		fmt.Fprintf(&text, "%s,%d,2025-03-01,EUR,100.00,120.00,Ada\n", series, n)
	}
	return text.String()
}

func TestAStrictSeriesThatIsMovedInGoesOnAboveItsRowsWithoutAHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	im := importer(t, db, store, "csv")
	dry := *im
	dry.DryRun = true
	dry.mustImport(t, oldStrict(s.Name, 7, 5, 8))
	if n := ask[int](t, db, `select count(*) from strict_counters`); n != 0 {
		t.Errorf("a dry run made %d counters", n)
	}
	im.mustImport(t, oldStrict(s.Name, 7, 5, 8)) // 6 is void
	if report := im.mustImport(t, oldStrict(s.Name, 7, 5, 8)); !report.Before || report.Rows != 3 {
		t.Errorf("the same file again: %+v", report)
	}
	r := newReplica(t, db, store)
	if got := r.mustIssue(t, strictRequest(who, s.Name, "one", "n")); got.Invoice.Number != 9 {
		t.Errorf("the first invoice got number %d, want 9", got.Invoice.Number)
	}
	im.mustImport(t, oldStrict(s.Name, 12)) // so are 10 and 11
	if got := r.mustIssue(t, strictRequest(who, s.Name, "two", "n")); got.Invoice.Number != 13 {
		t.Errorf("the next got number %d, want 13", got.Invoice.Number)
	}
	for _, c := range []struct {
		number int
		want   string
	}{{4, "is below 5, where gapless  begins"}, {11, "is void (import)"}, {13, "is taken already"}} {
		if got := im.refused(t, strings.NewReader(oldStrict(s.Name, c.number))); !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("number %d: %q, want %q", c.number, got, c.want)
		}
	}
	if n := ask[int](t, db, `select count(*) from documents where status = 'void' and reason = 'import' and number in (6, 10, 11)`); n != 3 {
		t.Errorf("%d of the numbers between are void", n)
	}
	r.stop()
	mustHaveNoHole(t, db, store)
}

func TestReplicasIssueInTheStrictSeriesThatIsImported(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	var issued atomic.Int64
	quit := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				default:
					replicas[i%2].mustIssue(t, strictRequest(who, s.Name, fmt.Sprint(i, "-", n), "n"))
					issued.Add(1)
				}
			}
		})
	}
	im := importer(t, db, store, "csv")
	eventually(t, "clients are at work", func() bool { return issued.Load() > 50 })
	numbers := make([]int, 1000)
	for i := range numbers {
		numbers[i] = 20_001 + i
	}
	im.mustImport(t, oldStrict(s.Name, numbers...))
	before := issued.Load()
	eventually(t, "clients go on", func() bool { return issued.Load() > before+50 })
	close(quit)
	clients.Wait()
	if n := ask[int64](t, db, `select count(*) from documents where status = 'issued' and key_id <> 'import'`); n != issued.Load() {
		t.Errorf("%d invoices are stored, %d were acknowledged", n, issued.Load())
	}
	if n := ask[int](t, db, `select count(*) from documents where number > 21000`); n < 50 {
		t.Errorf("%d invoices above what was imported", n)
	}
	for _, r := range replicas {
		r.stop()
	}
	mustHaveNoHole(t, db, store)
}

func TestATenantWithStrictSeriesIsExportedAndImported(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	notes := strictNotes(t, db, who)
	r := newReplica(t, db, store)
	first := r.mustIssue(t, strictRequest(who, s.Name, "one", "n")).Invoice
	r.mustIssue(t, strictRequest(who, s.Name, "two", "n"))
	half := cancellation(who, first.ID, "half", part(0, "1"))
	half.Series = notes
	note := r.mustCancel(t, half).Invoice
	r.stop()
	lines := exported(t, db, "acme")
	there, thereStore := migrated(t), &countertest.Mem{}
	im := importer(t, there, thereStore, "jsonl")
	im.Tenant, im.CreateTenant = "", true
	im.mustImport(t, strings.Join(lines, "\n")+"\n")
	if diff := cmp.Diff(lines, exported(t, there, "acme")); diff != "" {
		t.Errorf("exported (-) and exported again (+):\n%s", diff)
	}
	next := newReplica(t, there, thereStore)
	if got := next.mustCancel(t, half); !got.Replayed || !cmp.Equal(got.Invoice, note) {
		t.Errorf("the repeat of a credit note: %+v", got)
	}
	rest := cancellation(who, first.ID, "", nil)
	rest.Series = notes
	if got := next.mustCancel(t, rest); got.Invoice.Number != 2 || got.Invoice.Totals.Gross != "60.00" {
		t.Errorf("the rest: %+v", got.Invoice)
	}
	if got := next.mustIssue(t, strictRequest(who, s.Name, "two", "n")); !got.Replayed || got.Invoice.Number != 2 {
		t.Errorf("a repeat: %+v", got)
	}
	if got := next.mustIssue(t, strictRequest(who, s.Name, "three", "n")); got.Invoice.Number != 3 {
		t.Errorf("the next invoice got number %d, want 3", got.Invoice.Number)
	}
	next.stop()
	mustHaveNoHole(t, there, thereStore)
}

func TestNothingIsMovedIntoASuspendedSeries(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	raiseEpoch(t, db)
	im := importer(t, db, store, "csv")
	if _, err := im.Run(t.Context(), strings.NewReader(oldStrict(s.Name, 5))); !errors.Is(err, ErrSeriesSuspended) {
		t.Errorf("got %v, want ErrSeriesSuspended", err)
	}
	if _, err := db.ContinueStrict(t.Context()); err != nil {
		t.Fatal(err)
	}
	im.mustImport(t, oldStrict(s.Name, 5))
	mustHaveNoHole(t, db, store)
}

// silent are ledgers that say nothing until they are told to.
type silent struct {
	*countertest.Mem
	once         *sync.Once
	asked, speak chan struct{}
}

func (s silent) Load(ctx context.Context, of counter.Series) (counter.Ledger, counter.Version, error) {
	s.once.Do(func() { close(s.asked) })
	<-s.speak
	return s.Mem.Load(ctx, of)
}

func TestAnImportThatIsStoppedBehindTheLockDoesNotHoldTheStrictSeriesUp(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	r := newReplica(t, db, store)
	file := oldStrict(s.Name, 5) + "invoice,7,2025-03-01,EUR,100.00,120.00,Ada\n" // whose ledger is read after the lock is had
	im := importer(t, db, store, "csv")
	stopped := silent{store, &sync.Once{}, make(chan struct{}), make(chan struct{})}
	im.Ledgers = stopped
	ended := make(chan error)
	go func() {
		_, err := im.Run(t.Context(), strings.NewReader(file))
		ended <- err
	}()
	<-stopped.asked
	var got Issued
	eventually(t, "the series goes on", func() (ok bool) {
		var err error
		got, err = r.Issue(t.Context(), strictRequest(who, s.Name, "one", "n"))
		return err == nil
	})
	close(stopped.speak)
	if err := <-ended; !errors.Is(err, ErrImportInterrupted) {
		t.Errorf("the import ended with %v", err)
	}
	im.Ledgers = store
	if im.mustImport(t, file); got.Invoice.Number != 1 {
		t.Errorf("the invoice got number %d, want 1", got.Invoice.Number)
	}
	if next := r.mustIssue(t, strictRequest(who, s.Name, "two", "n")); next.Invoice.Number != 6 {
		t.Errorf("the next got number %d, want 6", next.Invoice.Number)
	}
	r.stop()
	mustHaveNoHole(t, db, store)
}
