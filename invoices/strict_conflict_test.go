package invoices

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// Within one batch: three times the same request, and the same key with another
// body.
func TestRepeatsInOneBatchLeaveNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s, other := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "other")
	rep := newReplica(t, db, store)
	var mu sync.Mutex
	numbers, made, reused := make(map[int64]bool), 0, 0
	var all sync.WaitGroup
	issue := func(req Request) {
		all.Go(func() {
			got, err := rep.issueUnseen(t.Context(), req)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrRequestReused):
				reused++
				return
			case err != nil:
				t.Error(err)
			case !got.Replayed:
				made++
			}
			numbers[got.Invoice.Number] = true
		})
	}
	const keys, repeats = 10, 3
	gatherAll(t, rep, keys*repeats+2, func() {
		for i := range keys {
			for range repeats {
				issue(strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
			}
		}
		issue(strictRequest(who, s.Name, "twice", "a body"))
		issue(strictRequest(who, other.Name, "twice", "a body"))
	})
	all.Wait()
	if made != keys+1 || reused != 1 {
		t.Errorf("%d were made, %d refused; want %d, 1", made, reused, keys+1)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != keys+1 {
		t.Errorf("%d documents, want %d", n, keys+1)
	}
	if stats := rep.Writer.Stats(); stats.Batches > 2 {
		t.Errorf("%d transactions, want one for the batch, and perhaps one before it", stats.Batches)
	}
	mustHaveNoHole(t, db, store)
}

// Each key at the same time on two replicas, and several times on each.
func TestTheSameKeyAtOnceOnTwoReplicasLeavesNoHole(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, open(t, url), store)}
	const keys, repeats = 30, 4
	answers := make([]map[int64]int, keys)
	var mu sync.Mutex
	var all sync.WaitGroup
	made := 0
	for i := range keys {
		answers[i] = make(map[int64]int)
		for j := range repeats {
			all.Go(func() {
				got := replicas[j%2].mustIssue(t, strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
				mu.Lock()
				defer mu.Unlock()
				answers[i][got.Invoice.Number]++
				if !got.Replayed {
					made++
				}
			})
		}
	}
	all.Wait()
	for i, numbers := range answers {
		if len(numbers) != 1 {
			t.Errorf("key %d got numbers %v", i, numbers)
		}
	}
	if n := ask[int](t, db, `select max(number) from documents`); n != keys || made != keys {
		t.Errorf("%d numbers for %d keys, %d of them new", n, keys, made)
	}
	mustHaveNoHole(t, db, store)
}

// A request of a block series and one of a strict series share a key while the
// first is under way: the strict row does not come back, and its number is no hole.
func TestAConflictWithAnotherSeriesLeavesNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, db, store)
	enrolled(t, db, "h")
	commit := batchInFlight(t, db, insertBatch, "h", series2026(who), 1) // request s:test-h-1
	p, err := rep.prepare(t.Context(), strictRequest(who, s.Name, "x", "n"))
	if err != nil {
		t.Fatal(err)
	}
	p.RequestID = "s:test-h-1"
	refused := make(chan error, 1)
	go func() {
		_, err := rep.store(t.Context(), p)
		refused <- err
	}()
	eventually(t, "the strict row waits", func() bool { return waitingForLock(t, db) == 1 })
	commit()
	if err := <-refused; !errors.Is(err, ErrRequestReused) {
		t.Errorf("got %v, want ErrRequestReused", err)
	}
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "y", "n")); got.Invoice.Number != 1 {
		t.Errorf("the next number is %d: the conflict left a hole", got.Invoice.Number)
	}
	mustHaveNoHole(t, db, nothingInEtcd(t, db, store))
}

// nothingInEtcd takes away the rows of block series that a test wrote by hand.
func nothingInEtcd(t testing.TB, db *DB, store counter.Store) counter.Store {
	t.Helper()
	db.exec(t, `alter table documents disable trigger all`)
	db.exec(t, `delete from documents d where not exists (select from strict_counters c where c.tenant = d.tenant and c.series = d.series and c.period = d.period)`)
	return store
}

func TestAPrintedNumberThatIsTakenIsVoidInAStrictSeriesAndNoHole(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id,
			issue_date, currency, net, tax, gross, printed_number, content)
		values ('acme', 'old', '', 7, 'issued', now(), 'i:7', '\x00', 'import', '2026-01-01', 'EUR', 1, 0, 1, 'gapless-0002', '{}')`)
	rep := newReplica(t, db, store)
	const count = 5
	var clashes, made int
	var mu sync.Mutex
	var all sync.WaitGroup
	gatherAll(t, rep, count, func() {
		for i := range count {
			all.Go(func() {
				_, err := rep.Issue(t.Context(), strictRequest(who, s.Name, fmt.Sprint("key-", i), "n"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, ErrPrintedClash):
					clashes++
				case err != nil:
					t.Error(err)
				default:
					made++
				}
			})
		}
	})
	all.Wait()
	if clashes != 1 || made != count-1 {
		t.Errorf("%d clashes, %d made; want 1, %d", clashes, made, count-1)
	}
	if reason := ask[string](t, db, `select reason from documents where series = 'gapless' and number = 2`); reason != reasonPrintedClash {
		t.Errorf("number 2 is void for %q", reason)
	}
	if holes := strictHoles(t, db); holes != "" {
		t.Error(holes)
	}
	mustHaveNoHole(t, db, nothingInEtcd(t, db, store))
}

// A row above the mark, stored by hand, is nobody's to explain: the series is
// refused, others of the batch are not.
func TestADocumentAboveTheMarkOfAStrictSeriesIsRefusedLoudly(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s, good := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "good")
	newReplica(t, db, store).mustIssue(t, strictRequest(who, s.Name, "", "n"))
	rep := newReplica(t, open(t, url), store)
	db.exec(t, `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'gapless', '', 3, 'void', now(), 'by hand')`)
	var all sync.WaitGroup
	gatherAll(t, rep, 6, func() {
		for range 3 {
			all.Go(func() {
				if _, err := rep.Issue(t.Context(), strictRequest(who, s.Name, "", "n")); !errors.Is(err, ErrLedgerDamaged) {
					t.Errorf("got %v, want ErrLedgerDamaged", err)
				}
			})
			all.Go(func() { rep.mustIssue(t, strictRequest(who, good.Name, "", "n")) })
		}
	})
	all.Wait()
	if voided, err := db.SkipStrict(t.Context(), s, 4); err != nil || voided != 2 {
		t.Errorf("%d void, %v; want 2", voided, err)
	}
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "", "n")); got.Invoice.Number != 5 {
		t.Errorf("got number %d, want 5", got.Invoice.Number)
	}
	mustHaveNoHole(t, db, store)
}
