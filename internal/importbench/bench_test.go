package importbench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/internal/devcluster"
	"folio/internal/devcluster/etcd"
)

var rows = flag.Int("rows", 1_000_000, "how many invoices the large file has")

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	os.Exit(m.Run())
}

// BenchmarkImport moves a file of a tenth of the rows in, and then one of all of
// them, so that the memory of the two can be compared; and copies the same rows
// barely into tables like the one that invoices are in.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		measure(b)
	}
}

func measure(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	dir := b.TempDir()
	folio := filepath.Join(dir, "folio")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", folio, "folio/cmd/folio").CombinedOutput(); err != nil {
		b.Fatalf("build folio: %v\n%s", err, out)
	}
	state := filepath.Join(dir, "state")
	if err := os.MkdirAll(state, 0o755); err != nil {
		b.Fatal(err)
	}
	c, err := devcluster.Start(ctx, devcluster.Config{Dir: state, Folio: folio, Replicas: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := errors.Join(c.Close(context.WithoutCancel(ctx)), devcluster.RemoveData(state)); err != nil {
			b.Error(err)
		}
	}()
	say("%d cores; etcd, Postgres with fsync and 2 replicas on this machine", runtime.NumCPU())
	small := oneImport(ctx, b, c, folio, dir, "small", *rows/10)
	large := oneImport(ctx, b, c, folio, dir, "large", *rows)
	say("peak memory of the process: %.0f MB with %d rows, %.0f MB with %d", small.peak, small.rows, large.peak, large.rows)
	smallOut, largeOut := oneExport(ctx, b, c, folio, dir, small), oneExport(ctx, b, c, folio, dir, large)
	say("peak memory of an export: %.0f MB with %d rows, %.0f MB with %d", smallOut.peak, small.rows, largeOut.peak, large.rows)
	indexed, plain := bareCopies(ctx, b, c)
	say("the same rows by a bare COPY: %.1f s into a table with the same indexes and checks, %.1f s into one without; the import took %.1f and %.1f times as long",
		indexed.Seconds(), plain.Seconds(), large.took.Seconds()/indexed.Seconds(), large.took.Seconds()/plain.Seconds())
	b.ReportMetric(large.took.Seconds(), "s/import")
	b.ReportMetric(float64(large.rows)/large.took.Seconds(), "rows/s")
	b.ReportMetric(large.peak, "MB-peak")
	if out, err := c.Run(ctx, "audit"); err != nil {
		b.Fatalf("audit: %v\n%s", err, out)
	} else {
		say("audit:\n%s", strings.TrimSpace(out))
	}
}

// figures are what one import cost.
type figures struct {
	tenant string
	rows   int
	took   time.Duration
	peak   float64 // MB resident
}

func oneImport(ctx context.Context, b *testing.B, c *devcluster.Cluster, folio, dir, tenant string, rows int) figures {
	path := filepath.Join(dir, tenant+".csv")
	writeFile(b, path, rows)
	if _, err := c.Run(ctx, "tenant", "create", tenant); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, folio, "import", path, "--tenant", tenant)
	cmd.Env = c.Env()
	var out bytes.Buffer
	cmd.Stdout = &out
	stages := &stageTimes{begun: time.Now()}
	cmd.Stderr = stages
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stages.pid = cmd.Process.Pid
	peak := watchPeak(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		b.Fatalf("import: %v\n%s%s", err, out.String(), stages.text.String())
	}
	f := figures{tenant: tenant, rows: rows, took: time.Since(begun), peak: peak()}
	say("%d rows in %.1f s, %.0f rows/s, peak %.0f MB\n%s%s", rows, f.took.Seconds(), float64(rows)/f.took.Seconds(), f.peak, stages.text.String(), out.String())
	return f
}

// oneExport writes what an import brought, as lines of JSON.
func oneExport(ctx context.Context, b *testing.B, c *devcluster.Cluster, folio, dir string, of figures) figures {
	file, err := os.Create(filepath.Join(dir, of.tenant+".jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, folio, "tenant", "export", of.tenant)
	cmd.Env, cmd.Stdout = c.Env(), file
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	peak := watchPeak(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		b.Fatalf("export: %v", err)
	}
	f := figures{tenant: of.tenant, rows: of.rows, took: time.Since(begun), peak: peak()}
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	say("%d rows exported in %.1f s, %d MB, peak %.0f MB", f.rows, f.took.Seconds(), info.Size()>>20, f.peak)
	return f
}

// stageTimes notes when each line of progress came, and the memory at that moment.
type stageTimes struct {
	begun time.Time
	pid   int
	text  bytes.Buffer
}

func (s *stageTimes) Write(p []byte) (int, error) {
	fmt.Fprintf(&s.text, "  %5.1f s  %4d MB  %s\n", time.Since(s.begun).Seconds(), residentMB(s.pid), strings.TrimSpace(string(p)))
	return len(p), nil
}

// residentMB is the present memory of a process, on Linux; elsewhere 0.
func residentMB(pid int) int { return int(statusMB(pid, "VmRSS:")) }

func statusMB(pid int, name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), name)
	kb, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kb / 1024
}

// watchPeak reads, until it is asked, what the kernel notes as the most memory that a
// process ever had, on Linux. (What wait(2) tells is no less than its parent had.)
func watchPeak(pid int) (peak func() float64) {
	var most float64
	var watching sync.WaitGroup
	stop := make(chan struct{})
	watching.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, statusMB(pid, "VmHWM:"))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() float64 {
		close(stop)
		watching.Wait()
		return most
	}
}

// writeFile makes a CSV file of invoices over four years, in no good order of dates.
func writeFile(b *testing.B, path string, rows int) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	fmt.Fprintln(out, "number,issue_date,currency,net,tax,gross,customer_name,customer_tax_id,customer_street,customer_locality,customer_country,description,tax_category,tax_rate")
	for i := range rows {
		year, number := 2021+i%4, i/4+1
		fmt.Fprintf(out, "%d,%d-%02d-%02d,EUR,%d.00,%d.20,%d.20,Customer %d GmbH,ATU%08d,Street %d,Vienna,AT,Consulting in week %d,S,20\n",
			number, year, i%12+1, i%28+1, i%900*5+1, i%900, i%900*6+1, i%5000, i%5000, i%300, i%52+1)
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// bareCopies copies the rows of the large tenant into tables like documents, without
// anything else: what the server itself takes.
func bareCopies(ctx context.Context, b *testing.B, c *devcluster.Cluster) (indexed, plain time.Duration) {
	sql(ctx, b, c, `create table bare_indexed (like documents including all); create table bare_plain (like documents)`)
	copied := filepath.Join(b.TempDir(), "rows.copy")
	sql(ctx, b, c, `\copy (select * from documents where tenant = 'large') to '`+copied+`'`)
	time1 := sql(ctx, b, c, `\copy bare_indexed from '`+copied+`'`)
	time2 := sql(ctx, b, c, `\copy bare_plain from '`+copied+`'`)
	return time1, time2
}

func sql(ctx context.Context, b *testing.B, c *devcluster.Cluster, statement string) time.Duration {
	cmd := exec.CommandContext(ctx, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", c.DatabaseURL(), "--command", statement)
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", statement, err, out)
	}
	return time.Since(begun)
}

// say prints a line: a benchmark's log is cut short.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
