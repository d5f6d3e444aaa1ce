package endtoend

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"

	_ "github.com/lib/pq"
)

// strictSeries makes a strict series of a tenant, yearly, from 1.
func strictSeries(t *testing.T, c *devcluster.Cluster, tenant, name string) {
	t.Helper()
	out, err := c.Run(within(t, 20*time.Second), "series", "set", tenant+"/"+name, "--numbering", "strict", "--period", "year")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// 24 clients, three replicas, two of which are killed.
func TestAStrictSeriesHasNoHoleAlthoughTwoReplicasAreKilled(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL})
	keys := tenants(t, c, 2)
	strictSeries(t, c, "tenant-00", "gapless")
	strictSeries(t, c, "tenant-01", "gapless")
	load := hammer(t, c, keys, "--series", "gapless", "--gapless", "--connections", "24", "--timeout", "3s", "--repeat-share", "0.2")
	load.goesOn(300)
	for _, r := range c.Replicas[:2] {
		if err := r.Kill(); err != nil {
			t.Fatal(err)
		}
		load.goesOn(300)
	}
	load.verdict()
	auditIsClean(t, c)
	booksOfStrict(t, c)
}

// booksOfStrict: nothing but strict series was used, so that etcd has no ledger.
func booksOfStrict(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	out, err := c.Run(within(t, 20*time.Second), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "blocks so far") || !strings.Contains(out, "tenant-00/gapless/") || !strings.Contains(out, "strict") {
		t.Errorf("the books are\n%s", out)
	}
}

// A replica is stopped in its tracks, until it is so in the middle of a
// transaction that has locked the series.
func TestAReplicaStoppedInMidTransactionIsCutOffAndTheStrictSeriesGoesOn(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL})
	keys := tenants(t, c, 1)
	strictSeries(t, c, "tenant-00", "gapless")
	load := hammer(t, c, keys, "--series", "gapless", "--gapless", "--connections", "24", "--timeout", "3s")
	load.goesOn(100)
	db, err := sql.Open("postgres", c.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	halted := c.Replicas[2]
	session := stopInMidTransaction(t, db, halted, load)
	begun := time.Now()
	mark := lookAt(t, db, session).mark
	eventually(t, 30*time.Second, "the server ends the silent transaction", func() bool {
		seen := lookAt(t, db, session)
		if seen.within && seen.mark != mark {
			t.Fatalf("the series went from %d to %d while a stopped transaction held its counter", mark, seen.mark)
		}
		return !seen.within
	})
	t.Logf("cut off after about %s", (time.Second + time.Since(begun)).Round(10*time.Millisecond))
	load.goesOn(50) // while it is still stopped
	if err := halted.Continue(); err != nil {
		t.Fatal(err)
	}
	load.goesOn(100)
	load.verdict()
	auditIsClean(t, c)
}

// stopInMidTransaction stops r; if the load goes on without it, it did not hold
// the series, and is continued and stopped again. It returns the session that r
// left in its transaction, silent for a second by now, and waited for by others.
func stopInMidTransaction(t *testing.T, db *sql.DB, r *devcluster.Replica, load *load) (session int) {
	t.Helper()
	for range 100 {
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		goneOn := load.acknowledged() + 30
		eventually(t, time.Minute, "the stopped replica holds the series, or the load goes on", func() bool {
			err := db.QueryRowContext(t.Context(), `
				select coalesce(max(silent.pid), 0) from pg_stat_activity silent
				where silent.state = 'idle in transaction' and clock_timestamp() - silent.state_change > interval '1 second'
				  and exists (select from pg_stat_activity waiting where silent.pid = any (pg_blocking_pids(waiting.pid)))`).Scan(&session)
			if err != nil {
				t.Fatal(err)
			}
			return session != 0 || load.acknowledged() >= goneOn
		})
		if session != 0 {
			return session
		}
		if err := r.Continue(); err != nil {
			t.Fatal(err)
		}
		load.goesOn(30)
	}
	t.Fatal("the replica was never stopped in mid-transaction")
	return 0
}

// sight is what is seen of a session that holds the one strict counter.
type sight struct {
	within bool // it is in its transaction
	mark   int64
}

// lookAt reads the mark by the statement's snapshot, and the session afterwards.
// A transaction that is cut off loses its id before its locks: a mark that moved
// because of that is never seen beside the id, while the session itself may take
// a while longer to end.
func lookAt(t *testing.T, db *sql.DB, session int) (s sight) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), `
		select mark, exists (select from pg_stat_activity where pid = $1 and backend_xid is not null) from strict_counters`,
		session).Scan(&s.mark, &s.within)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the operator says, and what a client and the books show of it.
func TestAStrictSeriesIsSuspendedAfterARestoreUntilTheOperatorSaysHowItGoesOn(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 1, LeaseTTL: leaseTTL})
	key := tenant(t, c, "acme")
	strictSeries(t, c, "acme", "gapless")
	strictSeries(t, c, "acme", "other")
	year := time.Now().UTC().Format("2006")
	post := func(series string, wantStatus int, wantNumber int64) {
		t.Helper()
		body := strings.Replace(smallBody, `{`, `{"series":"`+series+`",`, 1)
		got := issue(t, connect(t, c.Replicas[0], key), "", []byte(body))
		if got.StatusCode() != wantStatus {
			t.Fatalf("%s: %s %s, want %d", series, got.Status(), got.Body, wantStatus)
		}
		if got.JSON201 != nil && got.JSON201.Number != wantNumber {
			t.Errorf("%s: number %d, want %d", series, got.JSON201.Number, wantNumber)
		}
		if got.JSON201 == nil && (!strings.Contains(string(got.Body), "urn:folio:problem:series-suspended") || got.HTTPResponse.Header.Get("Retry-After") == "") {
			t.Errorf("%s: %s, Retry-After %q", series, got.Body, got.HTTPResponse.Header.Get("Retry-After"))
		}
	}
	say := func(want string, args ...string) {
		t.Helper()
		if out, err := c.Run(within(t, 20*time.Second), args...); err != nil || !strings.Contains(out, want) {
			t.Fatalf("%s, %v; want %q", out, err, want)
		}
	}
	post("gapless", 201, 1)
	say("a new era begins", "restored")
	post("gapless", 503, 0)
	post("other", 503, 0)
	say("suspended until you say", "ledger")
	say("goes on with number 6; 4 numbers are void", "restored", "--strict", "skip-to", "5", "--series", "acme/gapless/"+year)
	post("gapless", 201, 6)
	post("other", 503, 0)
	say("strict series go on", "restored", "--strict", "continue")
	post("other", 201, 1)
	say("mark 6 = 2 issued + 4 void, strict", "audit")
}

func TestAReplicaThatRequiresAStandbyDoesNotStartWithoutOne(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 1, LeaseTTL: leaseTTL})
	out, err := c.Run(within(t, 30*time.Second), "serve", "--require-sync-replication", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--pod-name", "synced")
	if err == nil || !strings.Contains(err.Error(), "synchronous_standby_names") {
		t.Errorf("%v\n%s", err, out)
	}
}
