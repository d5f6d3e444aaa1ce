package invoices

import (
	"context"
	"syscall"
	"testing"
	"time"

	"folio/counter/countertest"
	"folio/internal/devcluster/postgres"
	"folio/internal/devcluster/process"
)

// withStandby starts a Postgres and a synchronous standby of it.
func withStandby(t *testing.T) (s *postgres.Server, db *DB, standby *process.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, db = serverOfItsOwn(ctx, t)
	standby, err := s.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Kill(); err != nil {
			t.Error(err)
		}
	})
	if err := db.CheckReplication(t.Context()); err == nil {
		t.Error("a server that waits for no standby is fit")
	}
	db.exec(t, `alter system set synchronous_standby_names = '`+postgres.StandbyName+`'`)
	db.exec(t, `select pg_reload_conf()`)
	eventually(t, "the standby is synchronous", func() bool {
		return db.CheckReplication(t.Context()) == nil &&
			ask[bool](t, db, `select exists (select from pg_stat_replication where sync_state = 'sync')`)
	})
	if err := open(t, s.URL("postgres")+"&synchronous_commit=local").CheckReplication(t.Context()); err == nil {
		t.Error("a session that waits for no standby is fit")
	}
	return s, db, standby
}

func TestWithASynchronousStandbyStrictSeriesGoOnInANewEra(t *testing.T) {
	t.Parallel()
	s, db, _ := withStandby(t)
	store := &countertest.Mem{}
	who := newTenant(t, db, "acme")
	series, unused := strictSeriesFor(t, db, who, "gapless"), strictSeriesFor(t, db, who, "unused")
	plain := newReplica(t, open(t, s.URL("postgres")), store)
	synced := newReplicaWith(t, open(t, s.URL("postgres")), store, WriterConfig{RequireSync: true})
	synced.mustIssue(t, strictRequest(who, series.Name, "", "n"))
	for _, table := range []string{"strict_counters", "strict_era"} { // as if the standby had been promoted
		db.exec(t, `update `+table+` set era = regexp_replace(era, '[.][0-9A-F]{8}[.]', '.00000000.')`)
	}
	plain.mustBeSuspended(t, strictRequest(who, series.Name, "", "n"))
	for name, want := range map[string]int64{series.Name: 2, unused.Name: 1} {
		if got := synced.mustIssue(t, strictRequest(who, name, "", "n")); got.Invoice.Number != want {
			t.Errorf("%s got number %d, want %d", name, got.Invoice.Number, want)
		}
	}
	raiseEpoch(t, db) // a backup lacks what the standby had
	synced.mustBeSuspended(t, strictRequest(who, series.Name, "", "n"))
	mustHaveNoHole(t, db, store)
}

func TestAReplicaThatRequiresAStandbyWritesNoStrictSeriesWithoutOne(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	rep := newReplicaWith(t, db, store, WriterConfig{RequireSync: true, Bound: 100 * time.Millisecond})
	if _, err := rep.Issue(t.Context(), strictRequest(who, s.Name, "", "n")); err == nil {
		t.Error("issued on a server without a standby")
	}
	if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
		t.Errorf("%d documents", n)
	}
}

// The standby is silent, so the commit waits for it; somebody cancels the wait, and
// the server says that it has committed, with a warning. That is no answer for the
// client: the standby may not have the document.
func TestAStrictCommitWhoseWaitForTheStandbyIsCancelledIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	s, db, standby := withStandby(t)
	store := &countertest.Mem{}
	who := newTenant(t, db, "acme")
	series := strictSeriesFor(t, db, who, "gapless")
	rep := newReplica(t, open(t, s.URL("postgres")), store)
	rep.mustIssue(t, strictRequest(who, series.Name, "one", "n"))
	if err := standby.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	answered := make(chan Issued, 1)
	go func() { answered <- rep.mustIssueWithin(t, time.Minute, strictRequest(who, series.Name, "two", "n")) }()
	db.exec(t, `select pg_cancel_backend($1)`, waitsForStandby(t, db))
	eventually(t, "the fate is open", func() bool { return rep.Writer.Stats().Unknown >= 1 })
	waitsForStandby(t, db) // the transaction that found the row
	select {
	case got := <-answered:
		t.Errorf("acknowledged without the standby: %+v", got)
	default:
	}
	if err := standby.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.Invoice.Number != 2 || got.Replayed {
		t.Errorf("got number %d, replayed %v", got.Invoice.Number, got.Replayed)
	}
	mustHaveNoHole(t, db, store)
}

// waitsForStandby waits until a commit waits for the standby, and returns its
// session.
func waitsForStandby(t *testing.T, db *DB) (pid int) {
	t.Helper()
	eventually(t, "a commit waits for the standby", func() bool {
		pid = ask[int](t, db, `select coalesce(max(pid), 0) from pg_stat_activity where wait_event = 'SyncRep'`)
		return pid != 0
	})
	return pid
}
