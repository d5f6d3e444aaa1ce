package auditbench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// measureRegister reads the register of a series with a tenth of a million numbers and
// of one with a million (fewer if there are fewer documents at all), in each format,
// from the replica, and watches its memory.
func measureRegister(ctx context.Context, b *testing.B, o *office) {
	rows := min(*count, 1_000_000)
	out, err := o.Run(ctx, "tenant", "create", "register")
	_, key, found := strings.Cut(out, "API key ")
	if err != nil || !found {
		b.Fatalf("%v: %s", err, out)
	}
	key = strings.Fields(key)[0]
	small, large := book{"register", "2025", rows / 10}, book{"register", "2026", rows}
	begun := time.Now()
	for _, k := range []book{small, large} {
		o.do(ctx, b, insert([]book{k}, 1, k.numbers))
		o.reserved(ctx, b, k)
	}
	o.do(ctx, b, `vacuum (analyze) documents`)
	say("%d numbers more, for registers, in %.0f s", small.numbers+large.numbers, time.Since(begun).Seconds())
	for _, format := range []string{"csv", "json", "html"} {
		_, few := o.register(ctx, b, key, small, format)
		took, many := o.register(ctx, b, key, large, format)
		say("  the replica had %d MB at most while it wrote the small one, %d MB while it wrote the large one", few, many)
		b.ReportMetric(took.Seconds(), "s/register-"+format)
	}
}

// reserved writes the ledger of one series, in which nothing is held or free.
func (o *office) reserved(ctx context.Context, b *testing.B, k book) {
	client, err := clientv3.New(clientv3.Config{Endpoints: o.Etcd.Endpoints(), DialTimeout: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	value := fmt.Sprintf(`{"v":1,"mark":%d,"serial":9,"held":[],"free":[]}`, k.numbers)
	if _, err := client.Put(ctx, fmt.Sprintf("/folio/ledger/%s/invoice/%s", k.tenant, k.period), value); err != nil {
		b.Fatal(err)
	}
}

// register reads a register to its end and returns how long that took, and the most
// memory that the replica was seen to have meanwhile, in MB.
func (o *office) register(ctx context.Context, b *testing.B, key string, k book, format string) (time.Duration, int) {
	r := o.Replicas[0]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/v1/series/invoice/register?period=%s&format=%s", r.URL(), k.period, format), nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	peak := watchMemory(r.Pid())
	begun := time.Now()
	got, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer got.Body.Close()
	issued, void, size := int64(0), int64(0), int64(0)
	lines := bufio.NewScanner(got.Body)
	for lines.Scan() {
		size += int64(len(lines.Bytes()) + 1)
		switch {
		case bytes.Contains(lines.Bytes(), []byte("INV-")):
			issued++
		case bytes.Contains(lines.Bytes(), []byte("The replica that held it was lost")):
			void++
		}
	}
	took := time.Since(begun)
	if err := lines.Err(); err != nil || got.StatusCode != http.StatusOK || issued+void != k.numbers || void < k.numbers/101 {
		b.Fatalf("the register as %s: %s with %d issued and %d void of %d numbers, %v", format, got.Status, issued, void, k.numbers, err)
	}
	say("register of %d numbers as %s: %.1f s, %d MB", k.numbers, format, took.Seconds(), size>>20)
	return took, peak()
}

// watchMemory looks at the resident memory of a process until it is asked for the most
// that it saw, in MB; on Linux, elsewhere it sees none.
func watchMemory(pid int) (peak func() int) {
	most := 0
	var watching sync.WaitGroup
	stop := make(chan struct{})
	watching.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, _ := strings.Cut(string(text), "VmRSS:")
			kb, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
			most = max(most, kb/1024)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() int {
		close(stop)
		watching.Wait()
		return most
	}
}
