package endtoend

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/internal/devcluster"
)

// drill is a fault of a store under running replicas and load, and the procedure of
// docs/operations.md after it.
type drill struct {
	*testing.T
	c    *devcluster.Cluster
	b    books
	db   *sql.DB
	load *load
	idle map[string]string         // keys of tenants that hammer does not use, by their names
	told map[string]map[int64]bool // the numbers that these were told
	said strings.Builder           // what the commands of the page printed
	was  map[counter.Series]int64  // marks that the fault left in place
}

// newDrill begins a drill; more are settings of hammer.
func newDrill(t *testing.T, cfg devcluster.Config, more ...string) *drill {
	t.Helper()
	cfg.Replicas, cfg.LeaseTTL = 3, leaseTTL
	c := startCluster(t, cfg)
	d := &drill{T: t, c: c, b: openBooks(t, c), idle: make(map[string]string), told: make(map[string]map[int64]bool)}
	var err error
	if d.db, err = sql.Open("postgres", c.DatabaseURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.db.Close() })
	for _, name := range []string{"idle-early", "idle-late", "idle-always"} {
		d.idle[name] = tenant(t, c, name)
	}
	d.load = hammer(t, c, tenants(t, c, 12), append([]string{"--connections", "24", "--timeout", "3s"}, more...)...)
	return d
}

// use issues invoices of an idle tenant, on one replica after the other.
func (d *drill) use(name string, times int) {
	d.Helper()
	for i := range times {
		d.issue(d.c.Replicas[i%len(d.c.Replicas)], name)
	}
}

// issue issues one invoice of an idle tenant, and notes what it was told.
func (d *drill) issue(r *devcluster.Replica, name string) {
	d.Helper()
	const body = `{"currency":"EUR","customer":{"name":"Ada"},"lines":[{"description":"d","quantity":"1","unit_price":"1.00","tax":{"category":"S","rate":"20"}}]}`
	id := fmt.Sprintf("%s-%d", name, len(d.told[name]))
	var number int64
	eventually(d.T, time.Minute, id+" is issued", func() bool {
		got := issue(d.T, connect(d.T, r, d.idle[name]), id, []byte(body))
		if got.StatusCode() >= http.StatusInternalServerError {
			return false
		}
		if got.JSON201 == nil {
			d.Fatalf("%s: %s, %s", id, got.Status(), got.Body)
		}
		number = got.JSON201.Number
		return true
	})
	if d.told[name] == nil {
		d.told[name] = make(map[int64]bool)
	}
	if d.told[name][number] {
		d.Errorf("%s was told number %d twice", name, number)
	}
	d.told[name][number] = true
}

// ledgers lists the series that have a ledger.
func (b books) ledgers() []counter.Series {
	b.t.Helper()
	all, err := b.store.List(within(b.t, 10*time.Second), "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// marks reads the mark of every ledger.
func (d *drill) marks() map[counter.Series]int64 {
	d.Helper()
	marks := make(map[counter.Series]int64)
	for _, s := range d.b.ledgers() {
		l, _, err := d.b.store.Load(within(d.T, 10*time.Second), s)
		if err != nil {
			d.Fatal(err)
		}
		marks[s] = l.Mark
	}
	return marks
}

// seriesOf returns the one series of an idle tenant.
func (d *drill) seriesOf(name string) counter.Series {
	d.Helper()
	all, err := d.b.store.List(within(d.T, 10*time.Second), name, "invoice")
	if err != nil || len(all) != 1 {
		d.Fatalf("%s has the series %v, %v", name, all, err)
	}
	return all[0]
}

// follow runs the commands of a section of docs/operations.md.
func (d *drill) follow(heading string) {
	d.Helper()
	script := section(d.T, "../../docs/operations.md", heading)
	cmd := exec.CommandContext(within(d.T, 3*time.Minute), "sh", "-euxc", script)
	cmd.Dir = d.TempDir()
	cmd.Env = append(d.c.Env(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	d.said.Write(out)
	d.Logf("%s:\n%s", heading, out)
	if err != nil {
		d.Fatalf("%s: %v", heading, err)
	}
}

// section returns the shell lines under a heading of a page.
func section(t *testing.T, path, heading string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, under, found := strings.Cut(string(text), "\n## "+heading+"\n")
	under, _, _ = strings.Cut(under, "\n## ")
	parts := strings.Split(under, "```sh\n")
	if !found || len(parts) < 2 {
		t.Fatalf("%s has no commands under %q", path, heading)
	}
	var script strings.Builder
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "```")
		script.WriteString(block)
	}
	return script.String()
}

// everyReplicaBeginsAnew waits until each has noticed by itself that etcd is in another
// history.
func (d *drill) everyReplicaBeginsAnew() {
	d.Helper()
	for _, r := range d.c.Replicas {
		eventually(d.T, time.Minute, r.Log()+" tells of a new life", func() bool {
			return strings.Contains(readLog(d.T, r), `"msg":"holder lost, beginning anew"`)
		})
	}
}

// wantSaid checks what the commands of the page printed.
func (d *drill) wantSaid(all ...string) {
	d.Helper()
	for _, want := range all {
		if !strings.Contains(d.said.String(), want) {
			d.Errorf("the page's commands printed no %q", want)
		}
	}
}

// goesOnEverywhere: each replica issues, without having been started again.
func (d *drill) goesOnEverywhere(pids []int) {
	d.Helper()
	d.load.goesOn(200)
	for i, r := range d.c.Replicas {
		if !r.Running() || r.Pid() != pids[i] {
			d.Errorf("replica %d was started again", i)
		}
		d.issue(r, "idle-always")
	}
}

func (d *drill) pids() []int {
	var all []int
	for _, r := range d.c.Replicas {
		all = append(all, r.Pid())
	}
	return all
}
