package invoices

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// issue2025 issues an invoice of 2025, whose numbers are imported.
func (r *replica) issue2025(t testing.TB, who Identity, id string) int64 {
	t.Helper()
	req := request(who, id, "n")
	req.Draft.IssueDate = "2025-06-01"
	return r.mustIssue(t, req).Invoice.Number
}

func TestAReplicaWhoseBlockHasImportedNumbersTakesOthers(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	var last int64
	for i := range 60 { // fast, so that it holds the rest of a block
		last = r.issue2025(t, who, fmt.Sprint("before-", i))
	}
	l, _, err := store.Load(t.Context(), series2025())
	if err != nil || l.Mark < last+4 {
		t.Fatalf("the replica holds too little for this test: mark %d, last %d, %v", l.Mark, last, err)
	}
	im := importer(t, db, store, "csv")
	able := im.Counter
	im.Counter = noSeeks{} // the moment between the rows and the counter
	if _, err := im.Run(t.Context(), strings.NewReader(old(int(last)+1, int(last)+3))); err == nil {
		t.Fatal("the counter was moved")
	}
	if got := r.issue2025(t, who, "after-1"); got != last+4 { // last+2 is void: it lies between
		t.Errorf("got %d, want %d", got, last+4)
	}
	im.Counter = able
	im.mustImport(t, old(int(last)+1, int(last)+3))
	if got := r.issue2025(t, who, "after-2"); got <= last+4 {
		t.Errorf("got %d, want a number above %d", got, last+4)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 64 || a.Held.Count != 0 {
			t.Errorf("%+v", a)
		}
	}
}

func TestReplicasIssueInTheSeriesThatIsImported(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	var issued atomic.Int64
	quit := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 6 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				default:
					replicas[i%2].issue2025(t, who, fmt.Sprint(i, "-", n))
					issued.Add(1)
				}
			}
		})
	}
	im := importer(t, db, store, "csv")
	eventually(t, "clients are at work", func() bool { return issued.Load() > 100 })
	numbers := make([]int, 3000)
	for i := range numbers {
		numbers[i] = 50_001 + i
	}
	im.mustImport(t, old(numbers...))
	before := issued.Load()
	eventually(t, "clients go on", func() bool { return issued.Load() > before+100 })
	close(quit)
	clients.Wait()
	for _, r := range replicas {
		r.stop()
	}
	if n := ask[int64](t, db, `select count(*) from documents where status = 'issued' and key_id <> 'import'`); n != issued.Load() {
		t.Errorf("%d invoices are stored, %d were acknowledged", n, issued.Load())
	}
	if n := ask[int](t, db, `select count(*) from documents where key_id = 'import' and number between 50001 and 53000`); n != 3000 {
		t.Errorf("%d imported rows", n)
	}
	if n := ask[int](t, db, `select count(*) from documents where reason not in ('import', 'seek')`); n != 0 {
		t.Errorf("%d voids for another reason", n)
	}
	if n := ask[int](t, db, `select count(*) from documents where number > 53000`); n == 0 {
		t.Error("no replica went on above what was imported")
	}
	mustBeClean(t, db, store)
}

// Somebody takes one of the numbers after they were checked: the rows are refused by
// the key, checked again, and the number is named.
func TestANumberThatIsTakenDuringTheImportIsNamed(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	im := importer(t, db, store, "csv")
	im.Progress = func(at ImportProgress) {
		if at.Doing == "store" {
			im.Progress = nil
			if got := r.issue2025(t, who, "meanwhile"); got != 1 {
				t.Errorf("number %d", got)
			}
		}
	}
	got := im.refused(t, strings.NewReader(old(2, 1)))
	if len(got) == 0 || got[0] != "line 3: number 1 of invoice 2025 is taken already: it is INV-2025-000001" {
		t.Errorf("%q", got)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents", n)
	}
}

// Between the rows and the counter a replica begins the series, where it begins.
func TestAReplicaThatBeginsAnImportedSeriesBeginsAtItsLowestNumber(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	able := im.Counter
	im.Counter = noSeeks{}
	if _, err := im.Run(t.Context(), strings.NewReader(old(500, 503))); err == nil {
		t.Fatal("the counter was moved")
	}
	n, err := able.(*counter.Allocator).Take(t.Context(), series2025()) // an allocator with the rules of serve
	if err != nil || n.Value() != 504 {
		t.Fatalf("took %d, %v; want 504", n.Value(), err)
	}
	n.Return()
	im.Counter = able
	im.mustImport(t, old(500, 503))
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 2 || a.Void.Count != 2 {
			t.Errorf("%+v, want 500 and 503 issued, 501 and 502 void", a)
		}
	}
	if got := newReplica(t, db, store).issue2025(t, who, "next"); got <= 503 {
		t.Errorf("the next is %d", got)
	}
	if first, err := db.SeriesStart(t.Context(), series2025()); err != nil || first != 500 {
		t.Errorf("the series begins at %d, %v", first, err)
	}
}
