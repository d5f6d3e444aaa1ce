package postgres_test

import (
	"testing"
	"time"

	"folio/internal/devcluster/postgres"
)

// serverFor starts a server in a folder of the test's own, where its data stays.
func serverFor(t *testing.T) *postgres.Server {
	t.Helper()
	s, end, err := postgres.ForTests()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const timeline = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"

func TestARestoredServerKnowsWhatItsBackupKnew(t *testing.T) {
	s := serverFor(t)
	ask(t, s, "create table kept as select 1 as n")
	backup, err := s.Backup(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[postgres.Timeline]string{postgres.SameTimeline: "00000001", postgres.NewTimeline: "00000002"} {
		ask(t, s, "insert into kept values (2)")
		if err := s.Restore(timeout(t), backup, on); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); ask(t, s, "select pg_is_in_recovery()") != "f"; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("it recovers for ever")
			}
		}
		if got := ask(t, s, "select count(*) from kept"); got != "1" {
			t.Errorf("%s rows, want 1", got)
		}
		if got := ask(t, s, timeline); got != want {
			t.Errorf("on timeline %s, want %s", got, want)
		}
	}
}

func TestAPromotedReplicaLacksWhatItDidNotFollow(t *testing.T) {
	s := serverFor(t)
	ask(t, s, "create table kept as select 1 as n")
	r, err := s.StartReplica(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(timeout(t)); err != nil {
			t.Error(err)
		}
	})
	ask(t, s, "insert into kept values (2)")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if is, err := r.Following(timeout(t), s); err != nil {
			t.Fatal(err)
		} else if is {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not follow")
		}
	}
	if err := r.StopFollowing(timeout(t)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ask(t, s, "select count(*) from pg_stat_replication") != "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it follows for ever")
		}
	}
	ask(t, s, "insert into kept values (3)")
	if err := r.Promote(timeout(t), s); err != nil {
		t.Fatal(err)
	}
	if r.URL("x") != s.URL("x") {
		t.Error("it is at another place")
	}
	if got := ask(t, r, "select count(*) from kept"); got != "2" {
		t.Errorf("%s rows, want 2", got)
	}
	if got := ask(t, r, timeline); got != "00000002" {
		t.Errorf("on timeline %s", got)
	}
}
