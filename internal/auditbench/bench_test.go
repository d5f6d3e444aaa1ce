package auditbench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
)

var count = flag.Int64("documents", 10_000_000, "how many documents there are, voids among them")

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	os.Exit(m.Run())
}

// BenchmarkAudit fills a cluster with count documents and measures, one after the
// other, what is asked of the books. Each measure prints what it saw.
func BenchmarkAudit(b *testing.B) {
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Minute)
		defer cancel()
		o := open(ctx, b)
		defer o.close(b)
		o.fill(ctx, b)
		for _, measure := range []func(context.Context, *testing.B, *office){
			measureAudits, measureRegister,
		} {
			measure(ctx, b, o)
		}
	}
}

// office is a cluster with one replica, which does not audit by itself.
type office struct {
	*devcluster.Cluster
	folio, state string
}

func open(ctx context.Context, b *testing.B) *office {
	o := &office{folio: filepath.Join(b.TempDir(), "folio"), state: filepath.Join(b.TempDir(), "state")}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.folio, "folio/cmd/folio").CombinedOutput(); err != nil {
		b.Fatalf("build folio: %v\n%s", err, out)
	}
	if err := os.MkdirAll(o.state, 0o755); err != nil {
		b.Fatal(err)
	}
	var err error
	o.Cluster, err = devcluster.Start(ctx, devcluster.Config{Dir: o.state, Folio: o.folio, Replicas: 1, Env: []string{"FOLIO_AUDIT_EVERY=0s"}})
	if err != nil {
		b.Fatal(err)
	}
	say("%d cores; etcd, Postgres with fsync and a replica on this machine", runtime.NumCPU())
	return o
}

func (o *office) close(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := errors.Join(o.Close(ctx), devcluster.RemoveData(o.state)); err != nil {
		b.Error(err)
	}
}

// measureAudits audits what nobody audited before, and autovacuum has not seen; the
// same as autovacuum leaves it; then again, then after a few more documents, then all
// anew.
func measureAudits(ctx context.Context, b *testing.B, o *office) {
	o.audit(ctx, b, "first audit, had autovacuum never been there")
	o.do(ctx, b, `delete from audited`)
	begun := time.Now()
	o.do(ctx, b, `vacuum documents`)
	say("vacuum documents took %.1f s", time.Since(begun).Seconds())
	first := o.audit(ctx, b, "first audit")
	second := o.audit(ctx, b, "second audit, nothing is new")
	say("  the second took %.4f of the first", second.Seconds()/first.Seconds())
	o.add(ctx, b, *count/1000+1)
	o.audit(ctx, b, fmt.Sprintf("third audit, %d documents are new", *count/1000+1))
	o.audit(ctx, b, "full audit", "--full")
	b.ReportMetric(first.Seconds(), "s/first")
	b.ReportMetric(second.Seconds(), "s/second")
	b.ReportMetric(float64(*count)/first.Seconds(), "documents/s")
}

// audit runs folio audit, which has to find nothing.
func (o *office) audit(ctx context.Context, b *testing.B, what string, args ...string) time.Duration {
	before := o.count(ctx, b, heapReads)
	begun := time.Now()
	out, err := o.Run(ctx, append([]string{"audit"}, args...)...)
	took := time.Since(begun)
	if err != nil {
		b.Fatalf("%s: %v\n%s", what, err, out[max(0, len(out)-2000):])
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	say("%s: %.2f s\n  %s\n  %d pages of the table or its visibility map were read", what, took.Seconds(), lines[len(lines)-2], o.count(ctx, b, heapReads)-before)
	return took
}

// heapReads counts the pages of the table and its visibility map that were read, from
// memory or disk.
const heapReads = `select pg_stat_force_next_flush(); select heap_blks_read + heap_blks_hit from pg_statio_user_tables where relname = 'documents'`

// ask reads the last value of what psql prints.
func (o *office) ask(ctx context.Context, b *testing.B, statement string) string {
	out, err := o.psql(ctx, statement)
	if err != nil {
		b.Fatalf("%s: %v\n%s", statement, err, out)
	}
	lines := strings.Fields(out)
	return lines[len(lines)-1]
}

func (o *office) count(ctx context.Context, b *testing.B, statement string) (n int64) {
	if _, err := fmt.Sscan(o.ask(ctx, b, statement), &n); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
	return n
}

// psql runs statements and returns what they print, values alone.
func (o *office) psql(ctx context.Context, statements string) (string, error) {
	cmd := exec.CommandContext(ctx, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--dbname", o.DatabaseURL())
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// say prints a line: a benchmark's log is cut short.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
