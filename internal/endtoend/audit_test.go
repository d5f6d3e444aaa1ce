package endtoend

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/internal/devcluster"
	"folio/invoices/accounts"
)

// metrics reads what a replica tells of itself.
func metrics(t *testing.T, r *devcluster.Replica) string {
	t.Helper()
	answer, err := http.Get(r.OpsURL() + "/metrics")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// onDuty returns the one replica that audits and has finished an audit, and what it
// tells; nil if there is none, or several.
func onDuty(t *testing.T, c *devcluster.Cluster) (one *devcluster.Replica, text string) {
	t.Helper()
	for _, r := range c.Replicas {
		if !r.Running() {
			continue
		}
		if all := metrics(t, r); strings.Contains(all, "\nfolio_audit_series ") {
			if one != nil {
				return nil, ""
			}
			one, text = r, all
		}
	}
	return one, text
}

// One of three replicas audits; what is spoilt behind its back is told by its metrics
// and, once, by its log, and by folio audit with an exit status and a report. Another
// takes over when it is killed.
func TestOneReplicaAuditsAndTellsWhatItFinds(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL, Env: []string{"FOLIO_AUDIT_EVERY=100ms"}})
	keys := tenants(t, c, 2)
	for _, key := range keys {
		if got := issue(t, connect(t, c.Replicas[0], key), "", []byte(smallBody)); got.JSON201 == nil {
			t.Fatalf("%s", got.Body)
		}
	}
	var first *devcluster.Replica
	eventually(t, 20*time.Second, "one replica has audited two series and found nothing", func() bool {
		r, text := onDuty(t, c)
		first = r
		return r != nil && strings.Contains(text, "\nfolio_audit_series 2\n") && strings.Contains(text, "\nfolio_audit_unaccounted_numbers 0\n") &&
			strings.Contains(text, "\nfolio_audit_findings{kind=\"ledger_damaged\"} 0\n")
	})
	client, err := clientv3.New(clientv3.Config{Endpoints: c.Etcd.Endpoints(), DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	put := func(key, value string) (before string) {
		t.Helper()
		done, err := client.Put(within(t, 10*time.Second), "/folio/ledger/"+key, value, clientv3.WithPrevKV())
		if err != nil {
			t.Fatal(err)
		}
		if done.PrevKv != nil {
			before = string(done.PrevKv.Value)
		}
		return before
	}
	year := fmt.Sprint(time.Now().UTC().Year())
	spoilt := "tenant-01/invoice/" + year
	was := put(spoilt, "spilt ink")
	damaged := func(n int) func() bool {
		return func() bool {
			_, text := onDuty(t, c)
			return strings.Contains(text, fmt.Sprintf("\nfolio_audit_findings{kind=\"ledger_damaged\"} %d\n", n))
		}
	}
	eventually(t, 20*time.Second, "a ledger that is none is found", damaged(1))
	auditSays(t, c, spoilt)
	eventually(t, 20*time.Second, "it was found again and again", func() bool {
		return strings.Contains(metrics(t, first), "folio_audit_duration_seconds_count") && count(t, first) > 10
	})
	if n := strings.Count(readLog(t, first), "the audit found something"); n != 1 {
		t.Errorf("it was logged %d times, want once", n)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "another replica audits", damaged(1))
	put(spoilt, was)
	eventually(t, 20*time.Second, "the books are well again", damaged(0))
	eventually(t, 20*time.Second, "the blocks of the replica that was killed are settled", func() bool {
		_, err := c.Run(within(t, time.Minute), "audit")
		return err == nil
	})
}

// count is how many audits a replica has made.
func count(t *testing.T, r *devcluster.Replica) (n int) {
	t.Helper()
	_, rest, _ := strings.Cut(metrics(t, r), "\nfolio_audit_duration_seconds_count ")
	fmt.Sscan(rest, &n)
	return n
}

// auditSays: folio audit ends with status 1 and a report that names the series.
func auditSays(t *testing.T, c *devcluster.Cluster, spoilt string) {
	t.Helper()
	out, err := c.Run(within(t, time.Minute), "audit", "--format", "json")
	if err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("folio audit ended with %v", err)
	}
	var r accounts.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(r.Series) != 2 || len(r.Findings) != 1 || r.Findings[0].Series != spoilt || r.Findings[0].Kind != accounts.LedgerDamaged || r.AsOf.Revision == 0 {
		t.Errorf("%+v", r)
	}
	if _, err := c.Run(within(t, time.Minute), "audit", "tenant-00"); err != nil {
		t.Errorf("of the other tenant: %v", err)
	}
}
