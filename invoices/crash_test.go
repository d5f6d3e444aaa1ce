package invoices

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/internal/devcluster/postgres"
)

// Postgres crashes and comes back, in the middle of batches: whatever was
// answered is there, once, and every request is answered in the end.
func TestInvoicesOutliveACrashOfPostgres(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, db := serverOfItsOwn(ctx, t)
	store := &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	const clients, each = 8, 60
	throughACrash(ctx, t, s, clients, each, func(c, i int) {
		issueUntilKnown(ctx, t, r, request(who, fmt.Sprintf("%d-%d", c, i), "n"))
	})
	if n := ask[int](t, db, `select count(*) from documents where status = 'issued'`); n != clients*each {
		t.Errorf("%d invoices, want %d", n, clients*each)
	}
	r.stop()
	for _, a := range mustBeClean(t, db, store) {
		if a.Held.Count != 0 {
			t.Errorf("%+v: held after a graceful stop", a)
		}
	}
}

// throughACrash has clients do something, each so many times, and lets Postgres
// crash and come back when all of them are halfway.
func throughACrash(ctx context.Context, t *testing.T, s *postgres.Server, clients, each int, do func(client, i int)) {
	t.Helper()
	var halfway, all sync.WaitGroup
	halfway.Add(clients)
	for c := range clients {
		all.Go(func() {
			for i := range each {
				if i == each/2 {
					halfway.Done()
				}
				do(c, i)
			}
		})
	}
	halfway.Wait()
	if err := s.Restart(ctx, postgres.Immediate); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// serverOfItsOwn starts a Postgres for one test, which may crash it, with the
// schema.
func serverOfItsOwn(ctx context.Context, t *testing.T) (*postgres.Server, *DB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "folio-crash-")
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Start(ctx, postgres.Config{Dir: filepath.Clean(dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	db := open(t, s.URL("postgres"))
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return s, db
}

// issueUntilKnown repeats a request as a client does, and checks that its
// number never changes.
func issueUntilKnown(ctx context.Context, t *testing.T, r *replica, req Request) {
	var number int64
	for range 2 { // known, and once more
		for {
			got, err := r.Issue(ctx, req)
			if err == nil {
				if number != 0 && got.Invoice.Number != number {
					t.Errorf("%s: number %d became %d", req.ID, number, got.Invoice.Number)
				}
				number = got.Invoice.Number
				break
			}
			if ctx.Err() != nil {
				t.Errorf("%s: %v", req.ID, err)
				return
			}
			pause(ctx, 1)
		}
	}
}

// A warning with the commit, as when the wait for a standby was cancelled, is
// no success yet.
func TestACommitWithAWarningIsWrittenAgain(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.exec(t, `create sequence sent`)
	db.exec(t, `grant usage on sequence sent to folio_writer`)
	db.exec(t, `
		create function warn_once() returns trigger language plpgsql as $$
		begin
			if nextval('sent') = 1 then raise warning 'the standby may not have it'; end if;
			return null;
		end $$`)
	db.exec(t, `create trigger warn after insert on documents for each statement execute function warn_once()`)
	r := newReplica(t, db, store)
	if got := r.mustIssue(t, request(who, "one", "n")); got.Invoice.Number != 1 || got.Replayed {
		t.Errorf("number %d, replayed %v", got.Invoice.Number, got.Replayed)
	}
	// Alone, alone again, and then as a batch, whose answer tells that it is there.
	if sent := ask[int](t, db, `select last_value from sent`); sent != 3 {
		t.Errorf("the row was sent %d times, want 3", sent)
	}
	mustBeClean(t, db, store)
}

func TestRaisingTheEpochWaitsForABatchInFlight(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	enrolled(t, db, "h")
	commit := batchInFlight(t, db, insertBatch, "h", testSeries, 1)
	raised := make(chan error, 1)
	go func() {
		_, err := db.RaiseEpoch(t.Context(), 0)
		raised <- err
	}()
	eventually(t, "it waits", func() bool { return waitingForLock(t, db) == 1 })
	commit()
	if err := <-raised; err != nil {
		t.Error(err)
	}
	batchInFlight(t, db, insertBatch, "h", testSeries, 2)()
	if n := ask[int](t, db, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents: a holder of the earlier era wrote", n)
	}
}

func TestAWriterThatEndsWritesWhatWaits(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	r := newReplica(t, db, store)
	db.batches.SetMaxOpenConns(1)
	line, err := db.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const waiting = 5
	answers := make(chan error, waiting)
	for i := range waiting {
		go func() {
			_, err := r.Issue(t.Context(), request(who, fmt.Sprint(i), "n"))
			answers <- err
		}()
	}
	eventually(t, "all wait", func() bool { return len(r.Writer.queue) == waiting-1 })
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.stop() }()
	line.keep()
	for range waiting {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	<-stopped
	if n := ask[int](t, db, `select count(*) from documents`); n != waiting {
		t.Errorf("%d documents, want %d", n, waiting)
	}
	if _, err := r.Issue(t.Context(), request(who, "late", "n")); err == nil {
		t.Error("a writer that has ended wrote")
	}
}
