package endtoend

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
)

// cook runs the recipes of the pages.
type cook struct {
	*testing.T
	pages string
	tools string // the folder of etcdctl and etcdutl
	dir   string
	did   map[string]bool
}

// follow runs what stands under a heading and holds each recipe to what it must print.
func (c *cook) follow(at string, members *etcd.Cluster, env ...string) {
	c.Helper()
	const mark = "-- line --"
	lines := fenced(c.pages)[at]
	var script strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&script, "echo; echo '%s'\n%s\n", mark, line)
	}
	text := strings.NewReplacer("-o bin/", "-o "+c.tools+"/", "$PWD/bin", c.tools).Replace(script.String())
	cmd := exec.CommandContext(within(c.T, 10*time.Minute), "sh", "-euc", text)
	cmd.Dir = c.dir
	if strings.Contains(text, "go build") {
		cmd.Dir = "../.."
	}
	own := strings.Join(members.Endpoints(), ",")
	cmd.Env = append(os.Environ(), append(env, "FOLIO_ETCD_ENDPOINTS="+own, "ETCDCTL_ENDPOINTS="+own,
		"PATH="+c.tools+string(os.PathListSeparator)+os.Getenv("PATH"))...)
	out, err := cmd.CombinedOutput()
	c.Logf("%s:\n%s", at, out)
	if err != nil {
		c.Fatalf("%s: %v", at, err)
	}
	printed := strings.Split(string(out), mark+"\n")[1:]
	n := 0
	for i, line := range lines {
		if !byHand.MatchString(line) {
			continue
		}
		if want, got := expected()[at][n].prints, strings.TrimSpace(printed[i]); !regexp.MustCompile(want).MatchString(got) {
			c.Errorf("%s: %s\nprinted %q, want %s", at, line, got, want)
		}
		n++
	}
	c.did[at] = true
}

// TestTheRecipesForEtcdDoWhatThePagesSay runs each line of the pages that has etcdctl or
// etcdutl in it, built as the page says: the Go module proxy is all that this takes.
func TestTheRecipesForEtcdDoWhatThePagesSay(t *testing.T) {
	c := &cook{T: t, pages: pages(t), tools: t.TempDir(), dir: t.TempDir(), did: make(map[string]bool)}
	d := startCluster(t, devcluster.Config{Replicas: 1, EtcdMembers: 3, LeaseTTL: leaseTTL})
	key := tenant(t, d, "acme")
	use := func() {
		t.Helper()
		eventually(t, time.Minute, "an invoice is issued", func() bool {
			return issue(t, connect(t, d.Replicas[0], key), "", []byte(smallBody)).JSON201 != nil
		})
	}
	use()
	series := openBooks(t, d).ledgers()[0]
	c.follow("etcd by hand", d.Etcd)
	c.follow("How etcd is", d.Etcd)
	c.look(d, series)
	c.note(d)
	c.put(d.Etcd, "/kept", "old")
	c.follow("A snapshot", d.Etcd)
	c.put(d.Etcd, "/kept", "new")
	for range 50 { // numbers that the snapshot knows nothing of
		use()
	}
	c.putBack(d)
	if out := followIn(t, d, c.dir, "etcd was restored from a snapshot"); !strings.Contains(out, "0 unaccounted, 0 findings") {
		t.Error("the books are not in order after the restore")
	}
	use()
	c.password(d)
	c.quota()
	for at := range expected() {
		if !c.did[at] {
			t.Errorf("nothing was run of: %s", at)
		}
	}
}

// look reads what folio keeps, and a ledger as it is and was.
func (c *cook) look(d *devcluster.Cluster, series counter.Series) {
	c.Helper()
	openBooks(c.T, d).inMidBlock("replica-0")
	eventually(c.T, time.Minute, "Postgres is noted", func() bool {
		_, found, err := d.Etcd.Get(within(c.T, 10*time.Second), "/folio/postgres")
		return err == nil && found
	})
	key := "/folio/ledger/" + series.String()
	seen := regexp.MustCompile(`"ModRevision" : ([0-9]+)`).FindStringSubmatch(c.etcdctl(d.Etcd, "get", "-w", "fields", key))
	if seen == nil {
		c.Fatalf("%s has no revision", key)
	}
	c.follow("What folio keeps there", d.Etcd, "SERIES="+series.String(), "REVISION="+seen[1])
}

// etcdctl is for what no recipe does.
func (c *cook) etcdctl(members *etcd.Cluster, args ...string) string {
	c.Helper()
	cmd := exec.CommandContext(within(c.T, time.Minute), filepath.Join(c.tools, "etcdctl"), append(args, "--endpoints", strings.Join(members.Endpoints(), ","))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Fatalf("%s: %v: %s", cmd, err, out)
	}
	return string(out)
}

// note overwrites the note about Postgres and has a running replica make it anew.
func (c *cook) note(d *devcluster.Cluster) {
	c.Helper()
	c.put(d.Etcd, "/folio/postgres", "nobody's")
	c.follow("The note about Postgres cannot be read", d.Etcd)
	eventually(c.T, time.Minute, "the note is made anew", func() bool {
		value, found, err := d.Etcd.Get(within(c.T, 10*time.Second), "/folio/postgres")
		return err == nil && found && strings.HasPrefix(value, "{")
	})
}

// putBack puts the snapshot of before back, member by member.
func (c *cook) putBack(d *devcluster.Cluster) {
	c.Helper()
	err := d.Etcd.RestoreBy(within(c.T, 2*time.Minute), func(p etcd.Place) error {
		c.follow("A snapshot is put back", d.Etcd, "POD_NAME="+p.Name, "DATA="+p.Dir,
			"ETCD_INITIAL_CLUSTER="+p.Cluster, "ETCD_INITIAL_ADVERTISE_PEER_URLS="+p.Peer)
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	if value, _, err := d.Etcd.Get(within(c.T, 10*time.Second), "/kept"); err != nil || value != "old" {
		c.Errorf("after the restore a key is %q, %v; want what it was in the snapshot", value, err)
	}
}

func (c *cook) put(members *etcd.Cluster, key, value string) {
	c.Helper()
	if err := members.Put(within(c.T, 10*time.Second), key, value); err != nil {
		c.Fatal(err)
	}
}

// password gives folio's user another.
func (c *cook) password(d *devcluster.Cluster) {
	c.Helper()
	c.etcdctl(d.Etcd, "user", "add", "folio:old")
	if err := os.WriteFile(filepath.Join(c.dir, "new-password"), []byte("new\n"), 0o600); err != nil {
		c.Fatal(err)
	}
	c.follow("The password of folio's user", d.Etcd)
}

// quota fills an etcd until it refuses writes, and has it take some again.
func (c *cook) quota() {
	c.Helper()
	full, err := etcd.Start(within(c.T, time.Minute), etcd.Config{Dir: c.TempDir(), Members: 3, Fast: true, Quota: 16 << 20})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		if err := full.Close(within(c.T, time.Minute)); err != nil {
			c.Error(err)
		}
	})
	put := func() error { return full.Put(within(c.T, 10*time.Second), "/folio/x", strings.Repeat("x", 1<<18)) }
	eventually(c.T, time.Minute, "etcd refuses a write", func() bool {
		err := put()
		return err != nil && strings.Contains(err.Error(), "database space exceeded")
	})
	c.follow("The quota is reached", full)
	if err := put(); err != nil {
		c.Errorf("after the recipe: %v", err)
	}
}
