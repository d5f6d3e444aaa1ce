package endtoend

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
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

// end judges the drill: the clients' whole history, the books, the voids; and again
// when all replicas have ended.
func (d *drill) end() {
	d.Helper()
	d.load.verdict()
	auditIsClean(d.T, d.c)
	d.keptWhatIdleTenantsWereTold()
	d.everyVoidIsExplained()
	stopAll(d.T, d.c)
	auditIsClean(d.T, d.c)
	nothingIsHeld(d.T, d.c)
}

func (d *drill) keptWhatIdleTenantsWereTold() {
	d.Helper()
	for name, numbers := range d.told {
		for number := range numbers {
			var stored int
			const query = `select count(*) from documents where tenant = $1 and number = $2 and status = 'issued'`
			err := d.db.QueryRowContext(within(d.T, 10*time.Second), query, name, number).Scan(&stored)
			if err != nil || stored != 1 {
				d.Errorf("%s was told number %d, of which %d are stored, %v", name, number, stored, err)
			}
		}
	}
}

// raise is one announcement that a mark was raised.
type raise struct{ mark, floor int64 }

// raises reads what replicas logged, and the commands printed, of raised marks.
func (d *drill) raises() map[string][]raise {
	d.Helper()
	all := make(map[string][]raise)
	for _, r := range d.c.Replicas {
		for _, line := range strings.Split(readLog(d.T, r), "\n") {
			var l struct {
				Msg    string `json:"msg"`
				Series string `json:"series"`
				Mark   int64  `json:"mark"`
				Floor  int64  `json:"floor"`
			}
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "mark below the floor, raised" {
				all[l.Series] = append(all[l.Series], raise{l.Mark, l.Floor})
			}
		}
	}
	printed := regexp.MustCompile(`(?m)^(\S+): .*mark (\d+) -> (\d+), `)
	for _, m := range printed.FindAllStringSubmatch(d.said.String(), -1) {
		from, _ := strconv.ParseInt(m[2], 10, 64)
		to, _ := strconv.ParseInt(m[3], 10, 64)
		all[m[1]] = append(all[m[1]], raise{from, to})
	}
	return all
}

// everyVoidIsExplained: a number is void because the fault took its block, and for no
// other reason: it lies in what a raise of its ledger skipped, above the mark that the
// ledger had before the fault took the rest.
func (d *drill) everyVoidIsExplained() {
	d.Helper()
	raises := d.raises()
	if len(raises) == 0 {
		d.Error("no mark was ever raised: the drill shows nothing")
	}
	rows, err := d.db.QueryContext(within(d.T, 20*time.Second), `select tenant, series, period, number, reason from documents where status = 'void'`)
	if err != nil {
		d.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		var s counter.Series
		var number int64
		var reason string
		if err := rows.Scan(&s.Tenant, &s.Name, &s.Period, &number, &reason); err != nil {
			d.Fatal(err)
		}
		if reason != "restore" || number <= d.was[s] || !skippedBy(raises[s.String()], number) {
			d.Errorf("%s %d is void for %q; its mark was %d before the fault, raised were %v", s, number, reason, d.was[s], raises[s.String()])
		}
	}
	if err := rows.Err(); err != nil {
		d.Fatal(err)
	}
	d.Logf("%d numbers are void, in %d series whose marks were raised", count, len(raises))
}

func skippedBy(all []raise, number int64) bool {
	for _, r := range all {
		if r.mark < number && number <= r.floor {
			return true
		}
	}
	return false
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
