package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
)

// heldBlock is a block of an enrolled holder, as the ledger would have it.
func heldBlock(t testing.TB, db *DB, holder string, first, last int64) counter.Block {
	t.Helper()
	return counter.Block{Serial: 1, Range: counter.Range{First: first, Last: last}, Holder: holder, Era: enrolled(t, db, holder)}
}

// batchInFlight begins a batch of holder that stores number n of s, and returns
// what commits it.
func batchInFlight(t testing.TB, db *DB, statement, holder string, s counter.Series, n int64) (commit func()) {
	t.Helper()
	tx, err := db.batches.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	rows, err := tx.QueryxContext(t.Context(), statement, batchArgs(holder, s, n)...)
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	return func() {
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
	}
}

func batchArgs(holder string, s counter.Series, n int64) []any {
	one := func(v any) string { return fmt.Sprintf(`{"%v"}`, v) }
	return []any{
		holder, one(s.Tenant), one(s.Name), one(s.Period), one(n), `{"2026-03-14T00:00:00Z"}`,
		one(fmt.Sprintf("s:test-%s-%d", holder, n)), `{"\\x00"}`, `{key}`, `{2026-03-14}`, `{EUR}`,
		`{1}`, `{1}`, `{1}`, `{p}`, `{"{}"}`, `{1}`, `{1}`, `{1}`,
	}
}

var testSeries = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

func TestTheFenceWaitsForABatchInFlightAndSeesItsRows(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	b := heldBlock(t, db, "h", 1, 3)
	commit := batchInFlight(t, db, insertBatch, "h", testSeries, 2)
	free, settled := settleAside(t, db, b)
	eventually(t, "the fence waits", func() bool { return waitingForLock(t, db) == 1 })
	select {
	case <-settled:
		t.Fatal("settled while a batch was in flight")
	default:
	}
	commit()
	<-settled
	if want := []counter.Range{{First: 1, Last: 1}, {First: 3, Last: 3}}; !cmp.Equal(*free, want) {
		t.Errorf("free are %v, want %v", *free, want)
	}
}

// The teeth of the test above: with FOR KEY SHARE the fence does not wait, and
// a number that is about to get a row is called free.
func TestAFenceReadForKeyShareWouldMissTheBatchInFlight(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	b := heldBlock(t, db, "h", 1, 3)
	mutant := strings.Replace(insertBatch, "for share", "for key share", 1)
	if mutant == insertBatch {
		t.Fatal("the statement has no FOR SHARE")
	}
	commit := batchInFlight(t, db, mutant, "h", testSeries, 2)
	free, settled := settleAside(t, db, b)
	<-settled
	commit()
	if want := []counter.Range{{First: 1, Last: 3}}; !cmp.Equal(*free, want) {
		t.Errorf("free are %v; the mutant was to free all of %v", *free, want)
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents; the mutant was to store one after all", n)
	}
}

// settleAside settles b in a goroutine; free is set when settled is closed.
func settleAside(t testing.TB, db *DB, b counter.Block) (free *[]counter.Range, settled chan struct{}) {
	free, settled = new([]counter.Range), make(chan struct{})
	go func() {
		defer close(settled)
		var err error
		if *free, err = (&Owner{DB: db}).Settle(t.Context(), testSeries, b); err != nil {
			t.Errorf("settle: %v", err)
		}
	}()
	return free, settled
}

// waitingForLock counts the sessions of this database that wait for a row.
func waitingForLock(t testing.TB, db *DB) int {
	return ask[int](t, db, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
}

func TestTheFenceGivesUpAfterAWhileAndCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db := open(t, url+"&lock_timeout=50")
	b := heldBlock(t, db, "h", 1, 3)
	commit := batchInFlight(t, db, insertBatch, "h", testSeries, 2)
	owner := &Owner{DB: db}
	if _, err := owner.Settle(t.Context(), testSeries, b); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("settled under a batch in flight: %v", err)
	}
	commit()
	if _, err := owner.Settle(t.Context(), testSeries, b); err != nil {
		t.Error(err)
	}
}

func TestAFencedHolderStoresNothingAndTheRequestGoesOn(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustIssue(t, request(who, "one", "n"))
	was := r.numbers.Holder()
	db.exec(t, `update holders set fenced_at = now() where holder = $1`, was)

	got := r.mustIssue(t, request(who, "two", "n"))
	holder := ask[string](t, db, `select holder from documents where request_id = 'c:two'`)
	if holder == was || holder != r.numbers.Holder() {
		t.Errorf("number %d was written under %s; the fenced holder was %s, the next is %s", got.Invoice.Number, holder, was, r.numbers.Holder())
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}

func TestARaisedEpochRefusesAllHoldersAndVoidsTheirBlocks(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustIssue(t, request(who, "one", "n"))
	was := r.numbers.Holder()
	before, err := db.Era(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after, err := db.RaiseEpoch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if same, err := mayTouch(before, after); same || err != nil {
		t.Fatalf("%s to %s: same %v, %v", before, after, same, err)
	}

	got := r.mustIssue(t, request(who, "two", "n"))
	if got.Invoice.Number == 2 {
		t.Error("a number of the earlier era was given")
	}
	if now := r.numbers.Holder(); now == was {
		t.Errorf("%s goes on in the new era", now)
	}
	eventually(t, "the block of the earlier era is settled", func() bool {
		return ask[int](t, db, `select count(*) from documents where status = 'void' and reason = 'failover' and holder = $1`, was) == 1
	})
	mustBeClean(t, db, store)
}

// Without the help of the fence: after a failover nobody may be there to fence.
func TestAHolderOfAnEarlierEraStoresNothing(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	db.exec(t, `update restores set epoch = epoch + 1`)
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Errorf("%d documents", n)
	}
}

// A number that may have left the process is never handed back unread: the
// holder fences itself and its block is settled.
func TestANumberOnceOfferedIsNotHandedBackOnTheHoldersWord(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, store)
	rep.mustIssue(t, request(who, "one", "n"))
	holder := rep.numbers.Holder()
	p, err := rep.prepare(t.Context(), request(who, "one", "n"))
	if err != nil {
		t.Fatal(err)
	}
	p.RequestID = requestID("one")
	if got, err := rep.store(t.Context(), p); err != nil || !got.Replayed || got.Invoice.Number != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	rep.stop()
	if !ask[bool](t, db, `select fenced_at is not null from holders where holder = $1`, holder) {
		t.Error("a number was handed back without reading what is stored")
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Held != 0 || a.Issued != 1 || a.Void != 0 {
			t.Errorf("%+v, want 1 issued and none held", a)
		}
	}
}

func TestABlockOfALaterOrAnotherEraIsNotTouched(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	e, err := parseEra(enrolled(t, db, "h"))
	if err != nil {
		t.Fatal(err)
	}
	later, elsewhere := e, e
	later.timeline++
	elsewhere.system++
	for name, era := range map[string]string{"later": later.String(), "another system": elsewhere.String(), "none": ""} {
		b := counter.Block{Serial: 1, Range: counter.Range{First: 1, Last: 3}, Holder: "h", Era: era}
		if free, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b); !errors.Is(err, errStale) {
			t.Errorf("%s: freed %v, %v; want errStale", name, free, err)
		}
	}
	if ask[bool](t, db, `select fenced_at is not null from holders where holder = 'h'`) {
		t.Error("the holder was fenced by a stale server")
	}
}

func TestASeriesMayVoidWhatADeadHolderLeft(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	s := Series{Tenant: "acme", Name: "strict", Format: "S-{seq:3}", Period: "none", OnLoss: "void"}
	if err := db.CreateSeries(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	series := counter.Series{Tenant: "acme", Name: "strict"}
	b := heldBlock(t, db, "h", 5, 9)
	batchInFlight(t, db, insertBatch, "h", series, 7)()
	for range 2 { // settled twice, it changes nothing
		free, err := (&Owner{DB: db}).Settle(t.Context(), series, b)
		if err != nil || free != nil {
			t.Fatalf("freed %v, %v", free, err)
		}
	}
	got, err := readRuns(t.Context(), db.rest, series, b.Range)
	want := []run{
		{Range: counter.Range{First: 5, Last: 6}, Status: statusVoid},
		{Range: counter.Range{First: 7, Last: 7}, Status: statusIssued},
		{Range: counter.Range{First: 8, Last: 9}, Status: statusVoid},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, want (-) got (+):\n%s", err, diff)
	}
	if n := ask[int](t, db, `select count(*) from documents where reason = 'replica_lost' and holder = 'h' and block_serial = 1 and block_first = 5 and block_last = 9`); n != 4 {
		t.Errorf("%d voids name their block, want 4", n)
	}
}

func TestAHolderWithoutARowCountsAsFenced(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	era := enrolled(t, db, "other")
	batchInFlight(t, db, insertBatch, "ghost", testSeries, 2)()
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Fatal("a holder that never enrolled wrote")
	}
	b := counter.Block{Serial: 1, Range: counter.Range{First: 1, Last: 3}, Holder: "ghost", Era: era}
	free, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b)
	if err != nil || !cmp.Equal(free, []counter.Range{b.Range}) {
		t.Fatalf("freed %v, %v", free, err)
	}
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "ghost"); err == nil {
		t.Error("a fenced holder enrolled")
	}
}

func TestAHolderOfAnotherEraIsNotEnrolledAgain(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	enrolled(t, db, "h") // executed twice it changes nothing
	db.exec(t, `update restores set epoch = epoch + 1`)
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "h"); err == nil {
		t.Error("enrolled in two eras")
	}
}

func TestANumberTakenByAZombieIsUsedUpAndTheNextIsGiven(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	r.mustIssue(t, request(who, "one", "n"))
	enrolled(t, db, "zombie")
	batchInFlight(t, db, insertBatch, "zombie", series2026(who), 2)()
	batchInFlight(t, db, insertBatch, "zombie", series2026(who), 3)()
	if got := r.mustIssue(t, request(who, "two", "n")); got.Invoice.Number != 4 {
		t.Errorf("got number %d, want 4", got.Invoice.Number)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Held != 0 || a.Issued != 4 {
			t.Errorf("%+v, want 4 issued and none held", a)
		}
	}
}

func TestDocumentsAreNeverChanged(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	for _, statement := range []string{
		`update documents set number = 2`, `delete from documents`, `truncate documents`,
	} {
		if _, err := db.rest.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was not refused", statement)
		}
	}
	if n := ask[int](t, db, `select number from documents`); n != 1 {
		t.Errorf("number is %d", n)
	}
}

func TestABadRowFailsAloneInItsBatch(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	db.exec(t, `alter table documents add check (content ->> 'note' <> 'bad')`)
	db.batches.SetMaxOpenConns(1)
	line, err := db.connect(t.Context()) // so that all gather in one batch
	if err != nil {
		t.Fatal(err)
	}
	const all = 9
	results := make(chan error, all)
	for i := range all {
		note := "good"
		if i == 4 {
			note = "bad"
		}
		go func() {
			_, err := r.Issue(t.Context(), request(who, fmt.Sprintf("key-%d", i), note))
			if (err != nil) != (note == "bad") {
				t.Errorf("%s row: %v", note, err)
			}
			results <- err
		}()
	}
	eventually(t, "all wait", func() bool { return len(r.Writer.queue) >= all-1 })
	line.keep()
	for range all {
		<-results
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != all-1 {
		t.Errorf("%d documents, want %d", n, all-1)
	}
	r.stop()
	mustBeClean(t, db, store)
}

// Two batches that share two requests in opposite order: one order in all
// replicas keeps them from waiting for each other in a circle; and a deadlock,
// should there be one, means written again.
func TestBatchesThatShareRequestsAllEnd(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	replicas := []*replica{newReplica(t, db, store), newReplica(t, db, store)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const rounds, width = 20, 10
	for round := range rounds {
		done := make(chan error, 2*width)
		for which, r := range replicas {
			for i := range width {
				k := i
				if which == 1 {
					k = width - 1 - i
				}
				go func() {
					_, err := r.Issue(ctx, request(who, fmt.Sprintf("key-%d-%d", round, k), "n"))
					done <- err
				}()
			}
		}
		for range 2 * width {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != rounds*width {
		t.Errorf("%d documents, want %d", n, rounds*width)
	}
}
