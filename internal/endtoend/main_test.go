// Package endtoend holds the tests that run real processes: etcd, Postgres and
// replicas of folio, under load, killed in mid-block, and judged from outside.
package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
)

// bin is the folder of the programs under test, built with the race detector.
var bin string

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "folio-bin-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-race", "-o", bin+"/", "folio/cmd/...")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until done reports true.
func eventually(t *testing.T, d time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", d, what)
		}
	}
}

// startCluster starts everything; the test ends it. What replicas logged is
// shown if the test fails, and a data race in one of them fails the test.
func startCluster(t *testing.T, cfg devcluster.Config) *devcluster.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "folio-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dir, cfg.Folio = dir, filepath.Join(bin, "folio")
	c, err := devcluster.Start(within(t, 2*time.Minute), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(within(t, time.Minute)); err != nil {
			t.Errorf("close the cluster: %v", err)
		}
		for _, r := range c.Replicas {
			checkLog(t, r)
		}
		if err := errors.Join(devcluster.RemoveData(dir), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return c
}

func checkLog(t *testing.T, r *devcluster.Replica) {
	t.Helper()
	log := readLog(t, r)
	if strings.Contains(log, "DATA RACE") {
		t.Errorf("a data race in %s:\n%s", r.Log(), log)
	}
	if strings.Contains(log, "panic") {
		t.Errorf("a panic in %s:\n%s", r.Log(), log)
	}
	if t.Failed() {
		lines := strings.Split(log, "\n")
		t.Logf("the end of %s:\n%s", r.Log(), strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

func readLog(t *testing.T, r *devcluster.Replica) string {
	t.Helper()
	text, err := os.ReadFile(r.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tenants makes tenants and returns their keys.
func tenants(t *testing.T, c *devcluster.Cluster, count int) []string {
	t.Helper()
	var keys []string
	for i := range count {
		keys = append(keys, tenant(t, c, fmt.Sprintf("tenant-%02d", i)))
	}
	return keys
}

func tenant(t *testing.T, c *devcluster.Cluster, name string) (key string) {
	t.Helper()
	out, err := c.Run(within(t, 20*time.Second), "tenant", "create", name, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Tenant string `json:"tenant"`
		Key    string `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Tenant != name || made.Key == "" {
		t.Fatalf("tenant create printed %q", out)
	}
	return made.Key
}

// urls lists the replicas for hammer.
func urls(c *devcluster.Cluster) string {
	var all []string
	for _, r := range c.Replicas {
		all = append(all, r.URL())
	}
	return strings.Join(all, ",")
}

// auditIsClean lets folio account for every number.
func auditIsClean(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	out, err := c.Run(within(t, time.Minute), "audit")
	if err != nil {
		t.Errorf("audit: %v\n%s", err, out)
		return
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	t.Logf("audit: %s", lines[len(lines)-1])
}
