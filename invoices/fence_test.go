package invoices

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"
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
	return inFlight(t, db, statement, batchArgs(holder, s, n))
}

func inFlight(t testing.TB, db *DB, statement string, args []any) (commit func()) {
	t.Helper()
	tx, err := db.batches.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	rows, err := tx.QueryxContext(t.Context(), statement, args...)
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
		`{1}`, `{1}`, `{1}`, one(fmt.Sprintf("P-%s-%d", holder, n)), `{"{}"}`, `{1}`, `{1}`, `{1}`,
		`{invoice}`, `{0}`, `{""}`, `{2026-03-14T00:00:00Z}`, `{NULL}`,
	}
}

// aloneArgs are batchArgs of one row as values.
func aloneArgs(holder string, s counter.Series, n int64) []any {
	args := batchArgs(holder, s, n)
	for i := range args[1:] {
		var of []sql.NullString
		if err := pq.Array(&of).Scan(args[i+1]); err != nil || len(of) != 1 {
			panic(fmt.Sprintf("%q is no array of one: %v", args[i+1], err))
		}
		if args[i+1] = nil; of[0].Valid {
			args[i+1] = of[0].String
		}
	}
	return args
}

var testSeries = counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}

func TestTheFenceWaitsForWhatIsInFlightAndSeesItsRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, statement string
		args            func(string, counter.Series, int64) []any
	}{
		{"a batch", insertBatch, batchArgs},
		{"a batch that is sent with hope", insertFresh, batchArgs},
		{"a row that is alone", insertAlone, aloneArgs},
		{"a batch that has no turn, as of the versions before", strings.Replace(insertBatch, "select pg_advisory_xact_lock_shared("+holderTurn+")", "select 1", 1), batchArgs},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := migrated(t)
			b := heldBlock(t, db, "h", 1, 3)
			commit := inFlight(t, db, c.statement, c.args("h", testSeries, 2))
			free, settled := settleAside(t, db, b)
			eventually(t, "the fence waits", func() bool { return waitingForLock(t, db) == 1 })
			select {
			case <-settled:
				t.Fatal("settled while a write was in flight")
			default:
			}
			commit()
			<-settled
			if want := []counter.Range{{First: 1, Last: 1}, {First: 3, Last: 3}}; !cmp.Equal(*free, want) {
				t.Errorf("free are %v, want %v", *free, want)
			}
			if _, err := db.batches.ExecContext(t.Context(), c.statement, c.args("h", testSeries, 3)...); err != nil {
				t.Fatal(err)
			}
			if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
				t.Errorf("%d documents: a holder that is fenced wrote", n)
			}
		})
	}
}

// The teeth of the test above: with FOR KEY SHARE, and no turn, the fence does not wait,
// and a number that is about to get a row is called free.
func TestAFenceReadForKeyShareWouldMissTheBatchInFlight(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	b := heldBlock(t, db, "h", 1, 3)
	withoutTurn := strings.Replace(insertBatch, "select pg_advisory_xact_lock_shared("+holderTurn+")", "select 1", 1)
	mutant := strings.Replace(withoutTurn, "for share", "for key share", 1)
	if mutant == withoutTurn || withoutTurn == insertBatch {
		t.Fatal("the statement has no FOR SHARE, or no turn")
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

// Without the help of the fence: after a failover nobody may be there to fence.
// A number that may have left the process is never handed back unread: the
// holder fences itself and its block is settled.
// The other body came after the first was looked for and before it was stored.
// Two batches that share two requests in opposite order: one order in all
// replicas keeps them from waiting for each other in a circle; and a deadlock,
// should there be one, means written again.
