package endtoend

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
)

// losing begins a drill in which Postgres loses what was acknowledged. Nobody else's
// numbers are those that the clients know.
func losing(t *testing.T, cfg devcluster.Config) *drill {
	t.Helper()
	return newDrill(t, cfg, "--may-lose")
}

// acknowledged are the numbers that clients were told so far, by series.
func (d *drill) acknowledged() map[counter.Series]map[int64]bool {
	d.Helper()
	all := make(map[counter.Series]map[int64]bool)
	note := func(s counter.Series, n int64) {
		if all[s] == nil {
			all[s] = make(map[int64]bool)
		}
		all[s][n] = true
	}
	f, err := os.Open(d.load.history)
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Kind     string `json:"kind"`
			Tenant   int    `json:"tenant"`
			Document struct {
				Series string `json:"series"`
				Period string `json:"period"`
				Number int64  `json:"number"`
			} `json:"document"`
		}
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Kind == "answered" { // the last line may be half written
			note(counter.Series{Tenant: fmt.Sprintf("tenant-%02d", e.Tenant), Name: e.Document.Series, Period: e.Document.Period}, e.Document.Number)
		}
	}
	for name, numbers := range d.told {
		for n := range numbers {
			note(d.seriesOf(name), n)
		}
	}
	return all
}

// noted is the note of how far Postgres has come.
func (d *drill) noted() (n struct {
	Beat     int64  `json:"beat"`
	Timeline int    `json:"timeline"`
	Epoch    int    `json:"epoch"`
	LSN      string `json:"lsn"`
}) {
	d.Helper()
	text, err := d.b.store.LoadNote(within(d.T, 10*time.Second))
	if err == nil {
		err = json.Unmarshal([]byte(text), &n)
	}
	if err != nil {
		d.Fatalf("%q: %v", text, err)
	}
	return n
}

// awaitNote waits until it is noted that Postgres has come further.
func (d *drill) awaitNote() {
	d.Helper()
	was := d.noted().Beat
	eventually(d.T, time.Minute, "another beat is noted", func() bool { return d.noted().Beat > was })
}

// refused reports whether a replica answers a request for a number that the series
// is suspended, until an operator says how it goes on.
func (d *drill) refused(r *devcluster.Replica) bool {
	got := issue(d.T, connect(d.T, r, d.idle["idle-always"]), "", []byte(smallBody))
	text := string(got.Body)
	return got.StatusCode() == http.StatusServiceUnavailable && strings.Contains(text, "urn:folio:problem:series-suspended") &&
		strings.Contains(text, "folio restored") && got.HTTPResponse.Header.Get("Retry-After") != ""
}

// get reads a page of a replica.
func (d *drill) get(url, key string) (status int, text string) {
	d.Helper()
	req, err := http.NewRequestWithContext(within(d.T, 10*time.Second), http.MethodGet, url, nil)
	if err != nil {
		d.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := once.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// isSuspended: every replica, and one that is started now, reads and does not write,
// and says so.
func (d *drill) isSuspended(fresh *devcluster.Replica) {
	d.Helper()
	if err := fresh.Start(within(d.T, time.Minute)); err != nil { // it gets ready
		d.Fatal(err)
	}
	for _, r := range d.c.Replicas {
		eventually(d.T, time.Minute, r.URL()+" says that series are suspended", func() bool { return d.refused(r) })
		eventually(d.T, time.Minute, r.URL()+" reads", func() bool {
			status, _ := d.get(r.URL()+"/v1/invoices", d.idle["idle-early"])
			return status == http.StatusOK
		})
		if _, text := d.get(r.OpsURL()+"/metrics", ""); !strings.Contains(text, "\nfolio_postgres_behind 1\n") {
			d.Errorf("%s shows no folio_postgres_behind 1", r.OpsURL())
		}
		if status, text := d.get(r.OpsURL()+"/readyz", ""); status != http.StatusOK {
			d.Errorf("%s is not ready: %s", r.URL(), text)
		}
	}
	before := d.load.acknowledged()
	tried := d.requests()
	eventually(d.T, time.Minute, "the load tries again", func() bool { return d.requests() > tried })
	if now := d.load.acknowledged(); now != before {
		d.Errorf("%d requests were acknowledged while Postgres was behind", now-before)
	}
}

// requests counts the attempts of the load that failed so far.
func (d *drill) requests() int {
	text, err := os.ReadFile(d.load.history)
	if err != nil {
		d.Fatal(err)
	}
	return strings.Count(string(text), `"kind":"failed"`)
}

// resumed: every replica writes again.
func (d *drill) resumed() {
	d.Helper()
	d.load.goesOn(200)
	for _, r := range d.c.Replicas {
		d.issue(r, "idle-always")
		eventually(d.T, time.Minute, r.URL()+" is not behind", func() bool {
			_, text := d.get(r.OpsURL()+"/metrics", "")
			return strings.Contains(text, "\nfolio_postgres_behind 0\n")
		})
	}
}

// judge ends the drill. No number was acknowledged twice (hammer says so); those of
// before whose document was lost are void, for the reason; the books are clean.
func (d *drill) judge(before map[counter.Series]map[int64]bool, reason string) {
	d.Helper()
	d.load.verdict()
	eventually(d.T, time.Minute, "the books are clean", func() bool {
		_, err := d.c.Run(within(d.T, time.Minute), "audit")
		return err == nil
	})
	auditIsClean(d.T, d.c)
	lost := 0
	for s, numbers := range before {
		stored := make(map[int64]string)
		rows, err := d.db.QueryContext(within(d.T, 20*time.Second),
			`select number, coalesce(reason, '') from documents where tenant = $1 and series = $2 and period = $3`, s.Tenant, s.Name, s.Period)
		if err != nil {
			d.Fatal(err)
		}
		for rows.Next() {
			var n int64
			var why string
			if err := rows.Scan(&n, &why); err != nil {
				d.Fatal(err)
			}
			stored[n] = why
		}
		if err := rows.Err(); err != nil {
			d.Fatal(err)
		}
		for n := range numbers {
			switch why, known := stored[n]; {
			case !known:
				d.Errorf("%s %d was acknowledged, and there is neither a document nor a void", s, n)
			case why == reason:
				lost++
			case why != "":
				d.Errorf("%s %d was acknowledged, and is void for %q, want %q", s, n, why, reason)
			}
		}
	}
	d.Logf("%d acknowledged numbers were lost; each is void for the reason %s", lost, reason)
	if lost == 0 {
		d.Error("nothing was lost: the drill shows nothing")
	}
	stopAll(d.T, d.c)
	auditIsClean(d.T, d.c)
	nothingIsHeld(d.T, d.c)
}

// postgresRestored makes a backup, goes on for a while, and restores it.
func postgresRestored(t *testing.T, on postgres.Timeline) {
	d := losing(t, devcluster.Config{})
	d.use("idle-early", 3)
	d.use("idle-always", 1)
	d.load.goesOn(200)
	backup, err := d.c.Postgres.Backup(within(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	d.use("idle-late", 3)
	late := d.seriesOf("idle-late").String()
	d.load.goesOn(400)
	d.awaitNote()
	fresh := d.c.Replicas[0]
	if err := fresh.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := d.c.Postgres.Restore(within(t, time.Minute), backup, on); err != nil {
		t.Fatal(err)
	}
	d.isSuspended(fresh)
	before := d.acknowledged()

	if on == postgres.NewTimeline {
		d.restoredIsKilled()
	}
	d.follow("Postgres was restored from a backup")
	d.wantSaid("seen of Postgres before: ", "a new era begins: ", " 0 unaccounted, 0 findings")
	if on == postgres.SameTimeline {
		d.wantSaid("a new era begins: 1.", late+"   void: 1-3, 3 numbers")
	}
	d.resumed()
	d.judge(before, "restore")
}

// restoredIsKilled kills folio restored again and again, each time later, until one
// comes to its end: what a killed one has left behind, the next completes.
func (d *drill) restoredIsKilled() {
	d.Helper()
	killed := 0
	for patience := 100 * time.Millisecond; ; patience = patience * 5 / 4 {
		cmd := exec.Command(filepath.Join(bin, "folio"), "restored")
		cmd.Env = d.c.Env()
		if err := cmd.Start(); err != nil {
			d.Fatal(err)
		}
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if killed++; patience > 2*time.Minute {
			d.Fatal("folio restored never comes to its end")
		}
	}
	var epoch int
	if err := d.db.QueryRowContext(within(d.T, 10*time.Second), `select epoch from restores`).Scan(&epoch); err != nil {
		d.Fatal(err)
	}
	d.Logf("folio restored was killed %d times, %d of them in an era that it had begun", killed, epoch-1)
	if epoch < 3 {
		d.Error("it was hardly ever killed in an era that it had begun: that shows little")
	}
}

func TestPostgresIsRestoredFromAnOlderBackupUnderRunningReplicas(t *testing.T) {
	postgresRestored(t, postgres.SameTimeline)
}

func TestPostgresIsRecoveredToAnEarlierPointUnderRunningReplicas(t *testing.T) {
	postgresRestored(t, postgres.NewTimeline)
}

// lagging gives the cluster a standby, which lacks what is committed from now on.
func (d *drill) lagging() *postgres.Server {
	d.Helper()
	standby, err := d.c.Postgres.StartReplica(within(d.T, time.Minute))
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := standby.Stop(within(d.T, time.Minute)); err != nil {
			d.Error(err)
		}
	})
	d.load.goesOn(200)
	if err := standby.StopFollowing(within(d.T, time.Minute)); err != nil {
		d.Fatal(err)
	}
	eventually(d.T, time.Minute, "nobody follows Postgres", func() bool {
		var followers int
		err := d.db.QueryRowContext(within(d.T, 10*time.Second), `select count(*) from pg_stat_replication`).Scan(&followers)
		return err == nil && followers == 0
	})
	return standby
}

// What the standby lacks is less than is noted: folio goes on by itself.
func TestAStandbyThatLacksTheLastCommitsIsPromotedAndFolioGoesOn(t *testing.T) {
	d := losing(t, devcluster.Config{Env: []string{"FOLIO_WITNESS_EVERY=1h"}})
	d.use("idle-early", 3)
	standby := d.lagging()
	d.use("idle-late", 3)
	d.load.goesOn(300)
	for _, r := range d.c.Replicas { // they would remember more than is noted
		if err := r.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if err := standby.Promote(within(t, time.Minute), d.c.Postgres); err != nil {
		t.Fatal(err)
	}
	for _, r := range d.c.Replicas {
		if err := r.Start(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	before := d.acknowledged()
	d.resumed()
	eventually(t, 2*time.Minute, "the era is swept", func() bool {
		var swept bool
		err := d.db.QueryRowContext(within(t, 10*time.Second), `select exists (select from sweeps where era = current_era())`).Scan(&swept)
		return err == nil && swept
	})
	d.judge(before, "failover")
}

// What it lacks is noted: folio waits.
func TestAStandbyThatLacksMoreIsPromotedAndTheOperatorIsAsked(t *testing.T) {
	d := losing(t, devcluster.Config{})
	d.use("idle-early", 3)
	d.use("idle-always", 1)
	standby := d.lagging()
	d.use("idle-late", 3)
	d.load.goesOn(300)
	d.awaitNote()
	fresh := d.c.Replicas[2]
	if err := fresh.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(within(t, time.Minute), d.c.Postgres); err != nil {
		t.Fatal(err)
	}
	d.isSuspended(fresh)
	before := d.acknowledged()
	d.follow("A standby was promoted")
	d.wantSaid("a new era begins: 1.00000002.", " 0 unaccounted, 0 findings")
	d.resumed()
	d.judge(before, "restore")
}

// etcd went back further than Postgres, or less far: nobody of the two remembers what
// was given last. The clients do.
func TestBothStoresAreRestoredToDifferentTimes(t *testing.T) {
	for name, etcdFirst := range map[string]bool{"etcd further back": true, "Postgres further back": false} {
		t.Run(name, func(t *testing.T) { bothRestored(t, etcdFirst) })
	}
}

func bothRestored(t *testing.T, etcdFirst bool) {
	d := losing(t, devcluster.Config{})
	d.use("idle-early", 3)
	d.load.goesOn(200)
	var backup postgres.Backup
	var snapshot etcd.Restore
	steps := []func() error{
		func() (err error) { backup, err = d.c.Postgres.Backup(within(t, time.Minute)); return err },
		func() error {
			snapshot.Snapshot = t.TempDir() + "/snapshot.db"
			return d.c.Etcd.Snapshot(within(t, time.Minute), snapshot.Snapshot)
		},
	}
	if etcdFirst {
		steps[0], steps[1] = steps[1], steps[0]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		d.load.goesOn(200)
	}
	d.load.goesOn(200)
	for _, r := range d.c.Replicas {
		if err := r.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	before := d.acknowledged()
	if err := d.c.Postgres.Restore(within(t, time.Minute), backup, postgres.SameTimeline); err != nil {
		t.Fatal(err)
	}
	if err := d.c.Etcd.Restore(within(t, time.Minute), snapshot); err != nil {
		t.Fatal(err)
	}

	// Of one half of the series the clients say how far they got; of the others it is
	// known that it is not by more than 2,000.
	var highest []string
	for s, numbers := range before {
		most := int64(0)
		for n := range numbers {
			most = max(most, n)
		}
		if s.Tenant < "tenant-06" {
			highest = append(highest, fmt.Sprintf("%s=%d", s, most))
		}
		if most >= 2000 {
			t.Errorf("%s came to %d: the drill skips too little", s, most)
		}
	}
	t.Setenv("HIGHEST", strings.Join(highest, ","))
	d.follow("Both stores were restored")
	d.wantSaid("a new era begins: 1.", " 0 unaccounted, 0 findings")
	for _, r := range d.c.Replicas {
		if err := r.Start(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	d.resumed()
	d.judge(before, "restore")
}

// A crash loses nothing that is noted: nobody is refused.
func TestACrashOfPostgresIsNotTakenForARestore(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 2, LeaseTTL: leaseTTL, Env: []string{"FOLIO_WITNESS_EVERY=1s"}})
	load := hammer(t, c, tenants(t, c, 4), "--connections", "32", "--timeout", "3s")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for range 5 {
		load.goesOn(150)
		if err := c.Postgres.Restart(ctx, postgres.Immediate); err != nil {
			t.Fatal(err)
		}
	}
	load.goesOn(150)
	load.verdict()
	for _, r := range c.Replicas {
		if strings.Contains(readLog(t, r), "until an operator says folio restored") {
			t.Errorf("%s took a crash for a restore", r.URL())
		}
	}
	auditIsClean(t, c)
}
