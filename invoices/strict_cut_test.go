package invoices

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"
)

// The statements of the transaction of a strict series, by a part of each that no
// other has.
const (
	makesCounter = "insert into strict_counters"
	begins       = "begin isolation"
	locks        = "for update of c"
	looksUp      = "as found"
	inserts      = "insert into documents"
	advances     = "update strict_counters"
	commits      = "commit\x00"
	rollsBack    = "rollback\x00"
	obstructs    = "as clash"
	voidsNumber  = "'" + reasonPrintedClash + "'"
)

// Whatever answer is lost, the request gets the next number, once, and only a
// lost answer to the commit leaves open whether it was stored.
func TestAStatementOfAStrictSeriesWhoseAnswerIsLostLeavesNoHole(t *testing.T) {
	for _, statement := range []string{makesCounter, begins, locks, looksUp, inserts, advances, commits} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				store := &countertest.Mem{}
				who := newTenant(t, direct, "acme")
				s, other := strictSeriesFor(t, direct, who, "gapless"), strictSeriesFor(t, direct, who, "other")
				rep := newReplica(t, db, store)
				rep.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
				name, want := s.Name, int64(2)
				if statement == makesCounter {
					name, want = other.Name, 1
				}
				p.arm(statement, how)
				got := rep.mustIssue(t, strictRequest(who, name, "two", "n"))
				if got.Invoice.Number != want || got.Replayed {
					t.Errorf("got number %d, replayed %v; want %d, false", got.Invoice.Number, got.Replayed, want)
				}
				if stats := rep.Writer.Stats(); (stats.Unknown == 1) != (statement == commits) {
					t.Errorf("%d fates unknown", stats.Unknown)
				}
				if next := rep.mustIssue(t, strictRequest(who, name, "three", "n")); next.Invoice.Number != want+1 {
					t.Errorf("the next number is %d, want %d", next.Invoice.Number, want+1)
				}
				mustHaveNoHole(t, direct, store)
			})
		})
	}
}

// The same for the statements that deal with a printed number that is taken.
func TestAClashInAStrictSeriesWhoseAnswerIsLostLeavesNoHole(t *testing.T) {
	for _, statement := range []string{rollsBack, obstructs, voidsNumber} {
		t.Run(statement, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				store := &countertest.Mem{}
				who := newTenant(t, direct, "acme")
				s, first := strictSeriesFor(t, direct, who, "gapless"), seriesOf("acme", "first", "gapless-000{seq}", onLossReuse)
				first.Numbering = numberingStrict
				if err := direct.CreateSeries(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				rep := newReplica(t, db, store)
				rep.mustIssue(t, strictRequest(who, first.Name, "one", "n"))
				p.arm(statement, how)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if _, err := rep.Issue(ctx, strictRequest(who, s.Name, "two", "n")); !errors.Is(err, ErrPrintedClash) {
					t.Errorf("got %v, want ErrPrintedClash", err)
				}
				if next := rep.mustIssue(t, strictRequest(who, s.Name, "three", "n")); next.Invoice.Number != 2 {
					t.Errorf("the next number is %d, want 2", next.Invoice.Number)
				}
				mustHaveNoHole(t, direct, store)
			})
		})
	}
}

// A repeat that is sent in the hope that it is none meets its row; the transaction is rolled
// back, and nobody hears of it.
func TestARepeatInAStrictSeriesWhoseRollbackIsLostGetsItsNumber(t *testing.T) {
	forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
		store := &countertest.Mem{}
		who := newTenant(t, direct, "acme")
		s := strictSeriesFor(t, direct, who, "gapless")
		rep := newReplica(t, db, store)
		rep.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
		p.arm(rollsBack, how)
		if got, err := rep.issueUnseen(t.Context(), strictRequest(who, s.Name, "one", "n")); err != nil || got.Invoice.Number != 1 || !got.Replayed {
			t.Errorf("got %+v, %v; want number 1 again", got, err)
		}
		if next := rep.mustIssue(t, strictRequest(who, s.Name, "two", "n")); next.Invoice.Number != 2 {
			t.Errorf("the next number is %d, want 2", next.Invoice.Number)
		}
		mustHaveNoHole(t, direct, store)
	})
}

// The commit is on its way when its connection breaks. Its locks are still held,
// so whoever looks what became of it waits until the server knows.
func TestACommitOfAStrictSeriesThatArrivesLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		settings string
		arrives  bool
	}{
		"it arrives, and the request is stored":                    {"", true},
		"the server has ended the idle transaction, and it is not": {"&idle_in_transaction_session_timeout=300", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url+row.settings)
			direct, store := open(t, url), &countertest.Mem{}
			who := newTenant(t, direct, "acme")
			s := strictSeriesFor(t, direct, who, "gapless")
			rep := newReplica(t, db, store)
			p.arm(commits, delayed)
			answered := make(chan Issued, 1)
			go func() { answered <- rep.mustIssue(t, strictRequest(who, s.Name, "one", "n")) }()
			if row.arrives {
				waitingBackend(t, direct, 0)
				p.letGo()
				p.waitForLate(t)
			} else {
				defer p.letGo()
			}
			if got := <-answered; got.Invoice.Number != 1 || got.Replayed {
				t.Errorf("got number %d, replayed %v", got.Invoice.Number, got.Replayed)
			}
			if next := rep.mustIssue(t, strictRequest(who, s.Name, "two", "n")); next.Invoice.Number != 2 {
				t.Errorf("the next number is %d, want 2", next.Invoice.Number)
			}
			mustHaveNoHole(t, direct, store)
		})
	}
}

func TestAnOutcomeOfAStrictSeriesThatCannotBeFoundOutIsToldByTheRepeat(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		statement string
		how       cut
		want      error
		stored    bool
	}{
		"committed":                   {commits, afterRST, ErrOutcomeUnknown, true},
		"the commit never left":       {commits, beforeFIN, ErrOutcomeUnknown, false},
		"it ended before the commit":  {inserts, afterRST, ErrUnavailable, false},
		"it ended before the lock":    {locks, afterFIN, ErrUnavailable, false},
		"it ended before the advance": {advances, beforeFIN, ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url)
			direct, store := open(t, url), &countertest.Mem{}
			who := newTenant(t, direct, "acme")
			s := strictSeriesFor(t, direct, who, "gapless")
			rep := newReplicaWith(t, db, store, WriterConfig{Bound: 200 * time.Millisecond})
			p.onCut(p.refuse)
			p.arm(row.statement, row.how)
			if _, err := rep.Issue(t.Context(), strictRequest(who, s.Name, "one", "n")); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			other := newReplica(t, direct, store)
			got := other.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
			if got.Invoice.Number != 1 || got.Replayed != row.stored {
				t.Errorf("the repeat got number %d, replayed %v", got.Invoice.Number, got.Replayed)
			}
			mustHaveNoHole(t, direct, store)
		})
	}
}

// The request is found behind the lock, and what it led to cannot be read any
// more: it would be wrong to say that nothing was stored.
func TestARequestOfAStrictSeriesThatIsFoundAndNotReadIsOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	db, p := throughProxy(t, url)
	direct, store := open(t, url), &countertest.Mem{}
	who := newTenant(t, direct, "acme")
	s := strictSeriesFor(t, direct, who, "gapless")
	req := strictRequest(who, s.Name, "one", "n")
	newReplica(t, direct, store).mustIssue(t, req)
	rep := newReplicaWith(t, db, store, WriterConfig{Bound: 200 * time.Millisecond})
	p.onCut(p.refuse)
	p.arm("left join documents d on d.tenant = q.tenant", afterFIN)
	if _, err := rep.issueUnseen(t.Context(), req); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	if p.cuts() != 1 {
		t.Error("the read was not cut")
	}
	mustHaveNoHole(t, direct, store)
}

// A replica stops between two statements of its transaction, with its connection
// open. The server ends the transaction after five seconds of silence, and only
// then another replica goes on; what the stopped one began leaves nothing.
func TestAReplicaStoppedInMidTransactionHoldsAStrictSeriesUpForAWhileOnly(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{looksUp, inserts, advances, commits} {
		t.Run(statement, func(t *testing.T) {
			t.Parallel()
			url := databaseFor(t)
			db, p := throughProxy(t, url)
			direct, store := open(t, url), &countertest.Mem{}
			who := newTenant(t, direct, "acme")
			s := strictSeriesFor(t, direct, who, "gapless")
			halted, other := newReplica(t, db, store), newReplica(t, direct, store)
			halted.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
			p.arm(statement, stopped)
			resume := sync.OnceFunc(p.letGo)
			defer resume()
			late := make(chan Issued, 1)
			go func() { late <- halted.mustIssueWithin(t, time.Minute, strictRequest(who, s.Name, "late", "n")) }()
			eventually(t, "it stopped", func() bool { return p.cuts() == 1 })
			session := idleInTransaction(t, direct)
			begun := time.Now()
			got := other.mustIssueWithin(t, time.Minute, strictRequest(who, s.Name, "two", "n"))
			t.Logf("held up for %s", time.Since(begun).Round(10*time.Millisecond))
			// A session that is cut off gives up its id and its locks before it is gone.
			if within := ask[bool](t, direct, `select exists (select from pg_stat_activity where pid = $1 and backend_xid is not null)`, session); within {
				t.Error("the series went on while the stopped transaction held its counter")
			}
			if got.Invoice.Number != 2 {
				t.Errorf("got number %d, want 2", got.Invoice.Number)
			}
			resume()
			if got := <-late; got.Invoice.Number != 3 || got.Replayed {
				t.Errorf("the stopped one got number %d, replayed %v; want 3", got.Invoice.Number, got.Replayed)
			}
			mustHaveNoHole(t, direct, store)
		})
	}
}

// idleInTransaction waits for a session that is in a transaction and silent.
func idleInTransaction(t testing.TB, db *DB) (pid int) {
	t.Helper()
	eventually(t, "a session is idle in its transaction", func() bool {
		pid = ask[int](t, db, `
			select coalesce(max(pid), 0) from pg_stat_activity
			where datname = current_database() and state = 'idle in transaction'`)
		return pid != 0
	})
	return pid
}

// A warning with the commit is no success yet: the rows are found, and the
// transaction that found them has to be committed without one.
func TestACommitOfAStrictSeriesWithAWarningIsFoundOut(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	db.exec(t, `create sequence commits`)
	db.exec(t, `grant usage on sequence commits to folio_writer`)
	db.exec(t, `
		create function warn_once() returns trigger language plpgsql as $$
		begin
			if nextval('commits') = 1 then raise warning 'the standby may not have it'; end if;
			return null;
		end $$`)
	db.exec(t, `create constraint trigger warn after insert on documents deferrable initially deferred for each row execute function warn_once()`)
	rep := newReplica(t, db, store)
	if got := rep.mustIssue(t, strictRequest(who, s.Name, "one", "n")); got.Invoice.Number != 1 || got.Replayed {
		t.Errorf("number %d, replayed %v", got.Invoice.Number, got.Replayed)
	}
	if stats := rep.Writer.Stats(); stats.Batches != 2 || stats.Unknown != 1 {
		t.Errorf("%+v, want two transactions, one of which left its fate open", stats)
	}
	mustHaveNoHole(t, db, store)
}
