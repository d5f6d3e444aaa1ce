package endtoend

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/postgres"
)

// probed is a cluster whose probes are looked at.
type probed struct {
	*testing.T
	c   *devcluster.Cluster
	key string
}

func startProbed(t *testing.T) *probed {
	c := startCluster(t, devcluster.Config{Replicas: 2, LeaseTTL: leaseTTL, Env: []string{"FOLIO_DRAIN_DELAY=3s"}})
	return &probed{T: t, c: c, key: tenant(t, c, "acme")}
}

// probe asks a replica as a kubelet does.
func (p *probed) probe(r *devcluster.Replica, path string) (status int, text string) {
	return (&drill{T: p.T}).get(r.OpsURL()+path, "")
}

func (p *probed) is(r *devcluster.Replica, ready int, why string) bool {
	status, text := p.probe(r, "/readyz")
	return status == ready && strings.Contains(text, why)
}

// allReady: every replica is alive and ready.
func (p *probed) allReady(when string) {
	p.Helper()
	for _, r := range p.c.Replicas {
		for _, path := range []string{"/livez", "/readyz"} {
			if status, text := p.probe(r, path); status != http.StatusOK {
				p.Errorf("%s: %s%s: %d %s", when, r.OpsURL(), path, status, text)
			}
		}
	}
}

// try issues once.
func (p *probed) try(r *devcluster.Replica, series string) (status int, retryAfter string) {
	p.Helper()
	body := `{"series":"` + series + `","currency":"EUR","customer":{"name":"Ada"},"lines":[{"description":"d","quantity":"1","unit_price":"1.00","tax":{"category":"S","rate":"20"}}]}`
	got := issue(p.T, connect(p.T, r, p.key), "", []byte(body))
	return got.StatusCode(), got.HTTPResponse.Header.Get("Retry-After")
}

// turnsAway: a replica answers 503 and says when to come again, and stays ready.
func (p *probed) turnsAway(when, series string) {
	p.Helper()
	for _, r := range p.c.Replicas {
		eventually(p.T, time.Minute, when+": "+r.URL()+" turns requests away", func() bool {
			status, after := p.try(r, series)
			return status == http.StatusServiceUnavailable && after != ""
		})
	}
	p.allReady(when)
}

func (p *probed) served(series string) {
	p.Helper()
	for _, r := range p.c.Replicas {
		eventually(p.T, time.Minute, r.URL()+" issues", func() bool {
			status, _ := p.try(r, series)
			return status == http.StatusCreated
		})
	}
}

func TestABlipOfAStoreLeavesReplicasReady(t *testing.T) {
	p := startProbed(t)
	for _, name := range []string{"first", "second"} {
		if _, err := p.c.Run(within(t, 20*time.Second), "series", "set", "acme/"+name, "--format", name+"-{seq}"); err != nil {
			t.Fatal(err)
		}
	}
	p.served("first")
	p.allReady("at first")

	if err := p.c.Postgres.Stop(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.turnsAway("without Postgres", "first")
	if err := p.c.Postgres.Restart(within(t, time.Minute), postgres.Fast); err != nil {
		t.Fatal(err)
	}
	p.served("first")

	member := p.c.Etcd.Member(0)
	if err := member.Kill(); err != nil {
		t.Fatal(err)
	}
	p.turnsAway("without etcd", "second") // of which nobody has numbers yet
	if err := member.Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.served("second")
	p.allReady("at last")
}

func TestAReplicaIsReadyFromItsFirstHolderUntilItDrains(t *testing.T) {
	p := startProbed(t)
	g := newGate(t, p.c.Etcd.Member(0).Endpoint())
	g.set(true)
	r, err := p.c.Add("FOLIO_ETCD_ENDPOINTS=" + g.address())
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() { started <- r.Start(within(t, time.Minute)) }() // waits until it is ready
	eventually(t, time.Minute, "it says that it is starting", func() bool { return p.is(r, http.StatusServiceUnavailable, "starting") })
	if status, text := p.probe(r, "/livez"); status != http.StatusOK {
		t.Errorf("while it starts it is not alive: %d %s", status, text)
	}
	g.set(false)
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	p.allReady("started")

	gone := make(chan error, 1)
	go func() { gone <- r.Terminate(within(t, time.Minute)) }()
	eventually(t, time.Minute, "it says that it drains", func() bool { return p.is(r, http.StatusServiceUnavailable, "draining") })
	if status, text := p.probe(r, "/livez"); status != http.StatusOK {
		t.Errorf("while it drains it is not alive: %d %s", status, text)
	}
	if status, _ := p.try(r, "invoice"); status != http.StatusCreated {
		t.Errorf("while it drains it answers %d", status)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
}

// A replica is cut off from etcd for so long that the others settle what it holds, which
// fences it. That is its own trouble: it is taken out of the balancer, and comes back.
func TestAReplicaThatWasFencedAndReachesNoEtcdIsNotReadyUntilItDoes(t *testing.T) {
	p := startProbed(t)
	g := newGate(t, p.c.Etcd.Member(0).Endpoint())
	r, err := p.c.Add("FOLIO_ETCD_ENDPOINTS=" + g.address())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.served("invoice")
	for range 40 { // so that it holds a block, which the others will settle
		if status, _ := p.try(r, "invoice"); status != http.StatusCreated {
			t.Fatalf("it answers %d", status)
		}
	}
	g.set(true)
	eventually(t, time.Minute, "it is not ready", func() bool {
		p.try(r, "invoice") // what it still holds is refused by the fence in the end
		return p.is(r, http.StatusServiceUnavailable, "alone")
	})
	if status, text := p.probe(r, "/livez"); status != http.StatusOK {
		t.Errorf("it is not alive: %d %s", status, text)
	}
	for _, other := range p.c.Replicas[:2] {
		if status, text := p.probe(other, "/readyz"); status != http.StatusOK {
			t.Errorf("%s is not ready: %s", other.URL(), text)
		}
	}
	g.set(false)
	eventually(t, time.Minute, "it is ready again", func() bool { return p.is(r, http.StatusOK, "") })
	p.served("invoice")
	auditIsClean(t, p.c)
}

// A rebuild of the ledgers fences every holder. Replicas that nobody writes to learn of
// it by themselves: else the next silence of etcd would find all of them alone.
func TestReplicasThatWereAllFencedStayReadyWhileEtcdIsSilent(t *testing.T) {
	p := startProbed(t)
	p.served("invoice")
	if out, err := p.c.Run(within(t, time.Minute), "ledger", "rebuild"); err != nil || !strings.Contains(out, "fenced") {
		t.Fatalf("rebuild: %v\n%s", err, out)
	}
	db, err := sql.Open("postgres", p.c.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRowContext(within(t, time.Minute), query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, time.Minute, "every replica has another holder, and wrote nothing", func() bool {
		return count(`select count(*) from holders where fenced_at is null and holder not like 'rebuild.%'`) >= len(p.c.Replicas)
	})
	if err := p.c.Etcd.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first look may have asked etcd before
		var since time.Time
		if err := db.QueryRowContext(within(t, time.Minute), `select clock_timestamp()`).Scan(&since); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "every replica asks whether its holder is fenced", func() bool {
			return count(`select count(*) from pg_stat_activity where query like '%holder = $1 and fenced_at is not null%'
				and pid <> pg_backend_pid() and query_start > $1`, since) >= len(p.c.Replicas)
		})
		p.allReady("fenced before, and without etcd")
	}
	p.turnsAway("fenced before, and without etcd", "invoice")
	if err := p.c.Etcd.Member(0).Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	p.served("invoice")
	auditIsClean(t, p.c)
}
