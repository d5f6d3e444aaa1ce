package endtoend

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
)

// etcdRestored takes a snapshot, goes on for a while, and restores it.
func etcdRestored(t *testing.T, r etcd.Restore) {
	d := newDrill(t, devcluster.Config{EtcdMembers: 3})
	d.use("idle-early", 3)
	d.use("idle-late", 1)
	d.load.goesOn(200)
	d.was = d.marks()
	r.Snapshot = filepath.Join(t.TempDir(), "snapshot.db")
	if err := d.c.Etcd.Snapshot(within(t, 20*time.Second), r.Snapshot); err != nil {
		t.Fatal(err)
	}
	d.use("idle-late", 3)
	late := d.seriesOf("idle-late").String()
	d.load.goesOn(400)
	pids := d.pids()

	if err := d.c.Etcd.Restore(within(t, time.Minute), r); err != nil {
		t.Fatal(err)
	}
	d.load.goesOn(200)      // before anybody has said anything
	if r.BumpRevision > 0 { // lower revisions may have caught up before a replica looks
		d.everyReplicaBeginsAnew()
	}
	d.follow("etcd was restored from a snapshot")
	d.wantSaid(late+": the mark is 1, documents go up to 4; mark 1 -> 4, 0 numbers are void (restore)", " 0 unaccounted, 0 findings")
	d.goesOnEverywhere(pids)
	d.end()
}

func TestEtcdIsRestoredFromAnOlderSnapshotUnderRunningReplicas(t *testing.T) {
	etcdRestored(t, etcd.Restore{})
}

func TestEtcdIsRestoredWithItsRevisionsBumpedUnderRunningReplicas(t *testing.T) {
	etcdRestored(t, etcd.Restore{BumpRevision: 1_000_000})
}

func TestEtcdIsLostAltogetherUnderRunningReplicas(t *testing.T) {
	d := newDrill(t, devcluster.Config{EtcdMembers: 3})
	d.use("idle-early", 3)
	d.load.goesOn(400)
	early, pids := d.seriesOf("idle-early").String(), d.pids()

	if err := d.c.Etcd.Lose(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	d.load.goesOn(200)
	d.everyReplicaBeginsAnew()
	d.follow("etcd was lost")
	d.wantSaid(early+": there is no ledger, documents go up to 3; mark 0 -> 3, 0 numbers are void (restore)", " 0 unaccounted, 0 findings")
	d.goesOnEverywhere(pids)
	d.end()
}

func TestLedgersAreDeletedDamagedAndPutBackUnderRunningReplicas(t *testing.T) {
	d := newDrill(t, devcluster.Config{})
	d.use("idle-early", 3)
	d.use("idle-late", 2)
	d.use("idle-always", 1)
	early, late, always := d.seriesOf("idle-early").String(), d.seriesOf("idle-late").String(), d.seriesOf("idle-always").String()
	const ledger = "/folio/ledger/"
	older, found, err := d.c.Etcd.Get(within(t, 10*time.Second), ledger+always)
	if err != nil || !found {
		t.Fatal(older, found, err)
	}
	d.use("idle-always", 4)
	d.load.goesOn(400)
	busy, busyToo := d.seriesOf("tenant-00").String(), d.seriesOf("tenant-01").String()
	pids := d.pids()

	ctx := within(t, 20*time.Second)
	for _, series := range []string{early, busy} {
		if err := d.c.Etcd.Delete(ctx, ledger+series); err != nil {
			t.Fatal(err)
		}
	}
	for series, value := range map[string]string{late: `{"v":1,"mark":`, busyToo: "\xff\x00 nobody's", always: older} {
		if err := d.c.Etcd.Put(ctx, ledger+series, value); err != nil {
			t.Fatal(err)
		}
	}
	d.load.goesOn(200)
	d.follow("A ledger was deleted or damaged")
	d.wantSaid(
		early+": there is no ledger, documents go up to 3; mark 0 -> 3, 0 numbers are void (restore)",
		late+": the ledger cannot be read, documents go up to 2; mark 0 -> 2, 0 numbers are void (restore)",
		always+": the mark is 1, documents go up to 5; mark 1 -> 5, 0 numbers are void (restore)",
		busyToo+": the ledger cannot be read",
		`"\xff\x00 nobody's"`, " 0 unaccounted, 0 findings")
	d.goesOnEverywhere(pids)
	d.end()
}

// A rebuild is killed again and again, wherever it happens to be, and completed.
func TestARebuildThatIsKilledAgainAndAgainIsCompleted(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 1})
	db, err := sql.Open("postgres", c.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	const series = 2000
	const insert = `
		insert into documents (tenant, series, period, number, status, created_at, reason)
		select 't' || s, 'invoice', '2026', n, 'void', now(), 'seek' from generate_series(1, $1) as s, unnest(array[1, 2, 4]) as n`
	if _, err := db.ExecContext(within(t, time.Minute), insert, series); err != nil {
		t.Fatal(err)
	}
	b := openBooks(t, c)
	raised := func() int { return len(b.ledgers()) }
	killed := 0
	for before := 0; before < series/2 && killed < 20; killed++ {
		run := exec.Command(filepath.Join(bin, "folio"), "ledger", "rebuild")
		run.Env = c.Env()
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "the rebuild comes on by 200 series", func() bool { return raised() > before+200 })
		_ = run.Process.Kill()
		_ = run.Wait()
		before = raised()
	}
	if killed < 2 {
		t.Errorf("it was killed %d times: the test shows nothing", killed)
	}
	out, err := c.Run(within(t, 2*time.Minute), "ledger", "rebuild")
	if err != nil {
		t.Fatal(err, out)
	}
	if !strings.Contains(out, "mark 0 -> 4, 1 number is void (restore)") {
		t.Errorf("the last run raised nothing: the test shows nothing:\n%s", out)
	}
	begun := time.Now()
	if out, err = c.Run(within(t, 2*time.Minute), "ledger", "rebuild"); err != nil || !strings.Contains(out, "2000 series: 2000 needed nothing, 0 brought") {
		t.Errorf("%v; again it said:\n%s", err, out)
	}
	t.Logf("killed %d times; a run that finds nothing to do took %s", killed, time.Since(begun).Round(time.Millisecond))
	var void, restored int
	const count = `select count(*), count(*) filter (where number = 3 and reason = 'restore') from documents where status = 'void'`
	if err := db.QueryRowContext(within(t, time.Minute), count).Scan(&void, &restored); err != nil || void != 4*series || restored != series {
		t.Errorf("%d numbers are void, %d of them number 3 for the restore, %v; want %d and %d", void, restored, err, 4*series, series)
	}
	auditIsClean(t, c)
}
