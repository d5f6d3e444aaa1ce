package endtoend

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/postgres"
)

var update = flag.Bool("update-metrics", false, "write docs/metrics.md anew")

// elsewhere are metrics that this run need not move, and why.
var elsewhere = map[string]string{
	"folio_numbers_doubtful_total":            "cmd/folio, TestWhatCannotBeSeenOfARunIsCounted",
	"folio_rows_fenced_total":                 "whether a batch is under way when a replica wakes is chance; invoices tests what is counted",
	"folio_swap_unknown_total":                "cmd/folio, TestWhatCannotBeSeenOfARunIsCounted",
	"folio_postgres_behind":                   "the drills of a restored Postgres",
	"folio_postgres_connections_closed_total": "a connection is idle for five minutes first",
	"folio_audit_unaccounted_numbers":         "must be 0; the audit's own tests plant them",
	"folio_queue_rows":                        "of the moment",
	"folio_http_requests_in_flight":           "of the moment",
	"folio_http_body_bytes":                   "of the moment",
}

// Every metric of a replica moves when what it counts happens: under load, through kills,
// a pause, a restart of each store, a range that ends, a ledger that is gone.
func TestEachMetricMovesWhenItMust(t *testing.T) {
	collector := newCollector(t)
	collector.refuse(1) // so that spans are lost, too
	c := startCluster(t, devcluster.Config{Replicas: 3, LeaseTTL: leaseTTL, Env: []string{
		"FOLIO_AUDIT_EVERY=1s", "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url(), "OTEL_BSP_SCHEDULE_DELAY=200",
	}})
	b := openBooks(t, c)
	keys := tenants(t, c, 2)
	for _, args := range []string{
		"tenant-00/lossy --format L-{seq} --on-loss void", "tenant-00/till --format T-{seq} --period none --range 1-3 --warn-left 2",
		"tenant-00/over --format O-{seq} --range 1-3 --expires-on 2020-01-01",
	} {
		if out, err := c.Run(within(t, 20*time.Second), append([]string{"series", "set"}, strings.Fields(args)...)...); err != nil {
			t.Fatal(err, out)
		}
	}
	var seen figures
	moves := func(what string, begins ...string) {
		t.Helper()
		eventually(t, time.Minute, what+": "+strings.Join(begins, ", "), func() bool {
			seen.lookAll(t, c)
			for _, begin := range begins {
				if !(seen.of(begin) > 0) {
					return false
				}
			}
			return true
		})
	}
	first := hammer(t, c, keys, "--connections", "32", "--timeout", "3s", "--repeat-share", "0.2")
	lossy := hammer(t, c, keys[:1], "--connections", "16", "--timeout", "3s", "--series", "lossy")
	first.goesOn(300)
	lossy.goesOn(100)
	seen.lookAll(t, c)
	if seen.of("folio_blocks_settled_total") > 0 || seen.of("folio_numbers_voided_total") > 0 {
		t.Error("blocks are said to be settled, or numbers void, although nobody died")
	}
	moves("under load", "folio_numbers_taken_total", "folio_numbers_spent_total", "folio_numbers_returned_total", "folio_swap_conflicts_total",
		`folio_issue_phase_duration_seconds{phase="take"}`, `folio_issue_phase_duration_seconds{phase="queue"}`, `folio_issue_phase_duration_seconds{phase="commit"}`,
		`folio_blocks{state="open"}`, `folio_series_held_numbers{rank="1"}`, `folio_audit_numbers{state="issued"}`, "folio_spans_failed_total", "folio_spans_sent_total")

	killAndReplace(t, b, c.Replicas[0], "replica-0")
	moves("after a kill", "folio_blocks_settled_total", `folio_numbers_voided_total{reason="replica_lost"}`)

	if err := c.Replicas[2].Stop(); err != nil {
		t.Fatal(err)
	}
	paused := b.inMidBlock("replica-1") // the others go on
	eventually(t, 10*leaseTTL, "the paused replica is taken for dead", func() bool { return b.holder("replica-2") == "" && paused != "" })
	if err := c.Replicas[2].Continue(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*leaseTTL, "it takes another name", func() bool {
		seen.lookAll(t, c)
		return seen.of("folio_holders_registered_total") >= 2
	})

	for range 5 { // whether a batch is under way at that moment is chance
		first.goesOn(100)
		if err := c.Postgres.Restart(within(t, time.Minute), postgres.Immediate); err != nil {
			t.Fatal(err)
		}
		first.goesOn(100)
		if seen.lookAll(t, c); seen.of("folio_batch_outcomes_unknown_total") > 0 {
			break
		}
	}
	if err := c.Etcd.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	moves("while etcd is away", "folio_etcd_errors_total")
	if err := c.Etcd.Member(0).Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	first.goesOn(100)
	first.verdict()
	lossy.verdict()
	auditIsClean(t, c)

	for range 4 {
		ask(t, c.Replicas[1], keys[0], "POST", "/v1/invoices", inSeries("till"))
		seen.lookAll(t, c)
		moves("a range is nearly used up, then used up", "folio_range_low_total") // from its first number on
		if seen.of(`folio_audit_range_left_numbers{rank="1"}`) <= 0 {
			moves("before it is used up", `folio_audit_range_left_numbers{rank="1"}`, `folio_audit_range_left_ratio{rank="1"}`)
		}
	}
	if status, text, _ := ask(t, c.Replicas[1], keys[0], "POST", "/v1/invoices", inSeries("over")); status != 409 {
		t.Errorf("in a series that has expired: %d %s", status, text)
	}
	moves("a range is used up, another over", "folio_range_exhausted_total", "folio_range_expired_total")
	if got := seen.of("folio_audit_findings"); got != 0 {
		t.Errorf("the audit found %v", got)
	}
	if err := c.Etcd.Delete(within(t, 10*time.Second), "/folio/ledger/tenant-00/till/-"); err != nil {
		t.Fatal(err)
	}
	moves("a ledger is gone", "folio_audit_findings")
	ask(t, c.Replicas[0], keys[0], "POST", "/v1/invoices", inSeries("till"))
	moves("its series is asked for a number", "folio_marks_raised_total")

	for name := range seen.families {
		if strings.HasPrefix(name, "folio_") && elsewhere[name] == "" && !(seen.of(name) > 0) {
			t.Errorf("%s never moved", name)
		}
	}
	if got := seen.of("folio_audit_unaccounted_numbers"); got != 0 {
		t.Errorf("%v numbers are not accounted for", got)
	}
	listed(t, &seen)
	usedMetricsExist(t, c, &seen)
}

// listed holds what replicas show against docs/metrics.md.
func listed(t *testing.T, seen *figures) {
	const path, begin = "../../docs/metrics.md", "<!-- made by go test -run EachMetric ./internal/endtoend -update-metrics -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, table, ok := strings.Cut(string(text), begin)
	switch {
	case !ok:
		t.Fatalf("%s lacks the line %q", path, begin)
	case *update:
		if err := os.WriteFile(path, []byte(head+begin+seen.table()), 0o644); err != nil {
			t.Error(err)
		}
	case table != seen.table():
		t.Errorf("%s has not what replicas show (-update-metrics writes it anew):\n%s", path, seen.table())
	}
}

// usedMetricsExist looks for each metric of the dashboard and the alerts among what folio
// and etcd show.
func usedMetricsExist(t *testing.T, c *devcluster.Cluster, seen *figures) {
	seen.look(t, "http://"+c.Etcd.Member(0).Endpoint())
	for _, path := range []string{"../../deploy/grafana/folio.json", "../../deploy/k8s/components/monitoring/rules.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		used := usedIn(string(text))
		if len(used) < 15 {
			t.Errorf("%s names %d metrics only: they are not found", path, len(used))
		}
		for _, name := range used {
			if seen.families[name] == nil {
				t.Errorf("%s asks for %s, which neither folio nor etcd has", path, name)
			}
		}
	}
}
