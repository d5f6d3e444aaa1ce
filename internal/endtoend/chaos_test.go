package endtoend

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/counter/etcdstore"
	"folio/internal/devcluster"
	"folio/internal/devcluster/postgres"
)

// load is a hammer at work. It goes on until the test has planted all its faults,
// however slow the machine is.
type load struct {
	t       *testing.T
	cmd     *exec.Cmd
	out     bytes.Buffer
	history string
	begun   time.Time
}

func hammer(t *testing.T, c *devcluster.Cluster, keys []string, args ...string) *load {
	t.Helper()
	l := &load{t: t, begun: time.Now(), history: filepath.Join(t.TempDir(), "history.jsonl")}
	l.cmd = exec.Command(filepath.Join(bin, "hammer"), append([]string{
		"--urls", urls(c), "--duration", "15m", "--keys", strings.Join(keys, ","), "--history", l.history,
	}, args...)...)
	l.cmd.Stdout, l.cmd.Stderr = &l.out, &l.out
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if l.cmd.ProcessState == nil { // the test failed before the verdict
			_ = l.cmd.Process.Kill()
			_ = l.cmd.Wait()
		}
	})
	return l
}

// acknowledged counts the answers that hammer has so far.
func (l *load) acknowledged() int {
	text, err := os.ReadFile(l.history)
	if err != nil {
		return 0 // not begun yet
	}
	return bytes.Count(text, []byte(`"kind":"answered"`))
}

// goesOn waits until more requests were acknowledged: faults fall into the load.
func (l *load) goesOn(more int) {
	l.t.Helper()
	want := l.acknowledged() + more
	eventually(l.t, 3*time.Minute, "the load goes on", func() bool { return l.acknowledged() >= want })
}

// verdict ends the load, ten seconds after its begin at the earliest, and fails
// the test if a promise was broken.
func (l *load) verdict() {
	l.t.Helper()
	eventually(l.t, time.Minute, "ten seconds of load", func() bool { return time.Since(l.begun) >= 10*time.Second })
	if err := l.cmd.Process.Signal(os.Interrupt); err != nil {
		l.t.Errorf("end the load: %v", err)
	}
	err := l.cmd.Wait()
	l.t.Logf("hammer says:\n%s", l.out.String())
	if err != nil {
		l.t.Errorf("hammer: %v", err)
	}
}

// books looks into etcd beside the replicas.
type books struct {
	t     *testing.T
	store *etcdstore.Store
}

func openBooks(t *testing.T, c *devcluster.Cluster) books {
	t.Helper()
	client, err := etcdstore.Dial(context.Background(), c.Etcd.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return books{t: t, store: &etcdstore.Store{Client: client}}
}

// holder returns the present holder of a replica; "" if none is alive.
func (b books) holder(pod string) string {
	b.t.Helper()
	alive, err := b.store.Alive(within(b.t, 10*time.Second))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range alive {
		if strings.HasPrefix(name, pod+".") {
			return name
		}
	}
	return ""
}

// holds counts the series in which a holder has a block.
func (b books) holds(holder string) int {
	b.t.Helper()
	held, err := b.store.HeldBy(within(b.t, 10*time.Second), holder)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(held)
}

// inMidBlock waits until a replica holds blocks, and returns its holder.
func (b books) inMidBlock(pod string) (holder string) {
	b.t.Helper()
	eventually(b.t, 30*time.Second, pod+" holds blocks", func() bool {
		holder = b.holder(pod)
		return holder != "" && b.holds(holder) > 0
	})
	return holder
}

// killAndReplace kills a replica in mid-block and starts a new one in its place.
func killAndReplace(t *testing.T, b books, r *devcluster.Replica, pod string) (dead string) {
	t.Helper()
	dead = b.inMidBlock(pod)
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	if b.holds(dead) == 0 {
		t.Errorf("%s held nothing when it was killed: the test shows nothing", dead)
	}
	if err := r.Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	return dead
}

const leaseTTL = 3 * time.Second

func TestThePromisesHoldThroughKillsAPauseAndARestartOfPostgres(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL})
	b := openBooks(t, c)
	load := hammer(t, c, tenants(t, c, 20), "--connections", "64", "--timeout", "3s")
	load.goesOn(300)

	dead := []string{killAndReplace(t, b, c.Replicas[0], "replica-0")}
	load.goesOn(300)
	dead = append(dead, killAndReplace(t, b, c.Replicas[1], "replica-1"))
	load.goesOn(300)

	paused := b.inMidBlock("replica-2")
	if err := c.Replicas[2].Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*leaseTTL, "the paused replica is taken for dead and settled", func() bool {
		return b.holder("replica-2") == "" && b.holds(paused) == 0
	})
	if err := c.Replicas[2].Continue(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*leaseTTL, "the paused replica goes on under another name", func() bool {
		name := b.holder("replica-2")
		return name != "" && name != paused
	})
	load.goesOn(300)

	if err := c.Postgres.Restart(within(t, time.Minute), postgres.Immediate); err != nil {
		t.Fatal(err)
	}
	load.goesOn(300)
	load.verdict()

	for _, holder := range dead {
		eventually(t, 10*leaseTTL, holder+" is settled", func() bool { return b.holds(holder) == 0 })
	}
	auditIsClean(t, c)
	stopAll(t, c)
	auditIsClean(t, c)
	nothingIsHeld(t, c)
	raresHappened(t, c)
}

// stopAll ends every replica as Kubernetes does.
func stopAll(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	for _, r := range c.Replicas {
		if err := r.Terminate(within(t, 40*time.Second)); err != nil {
			t.Error(err)
		}
	}
}

func nothingIsHeld(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	ledgers, err := c.Run(within(t, 20*time.Second), "ledger")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(ledgers, "held") {
		t.Errorf("blocks are held after the graceful stop:\n%s", ledgers)
	}
	if !strings.Contains(ledgers, "mark ") {
		t.Errorf("no ledger was printed: the check shows nothing:\n%s", ledgers)
	}
}

// raresHappened: a run in which no block was settled and no life began anew
// shows nothing about either.
func raresHappened(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	var all strings.Builder
	for _, r := range c.Replicas {
		all.WriteString(readLog(t, r))
	}
	for _, rare := range []string{`"msg":"settled"`, `"msg":"holder lost, beginning anew"`} {
		if !strings.Contains(all.String(), rare) {
			t.Errorf("no replica ever logged %s: the run shows nothing about it", rare)
		}
	}
}

func TestARollingRestartCostsNoNumber(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL})
	load := hammer(t, c, tenants(t, c, 3), "--connections", "16", "--timeout", "3s")
	load.goesOn(200)
	for _, r := range c.Replicas {
		if err := r.Terminate(within(t, 40*time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		load.goesOn(100)
	}
	load.verdict()
	stopAll(t, c)
	nothingIsHeld(t, c)
	out, err := c.Run(within(t, time.Minute), "audit")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, " 0 void, 0 held,") {
		t.Errorf("the rolling restart cost numbers:\n%s", out)
	}
}
