package endtoend

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"folio/internal/devcluster"
)

// issueTraced issues an invoice in a trace of ours.
func issueTraced(t *testing.T, r *devcluster.Replica, key, traceparent string) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t, 20*time.Second), http.MethodPost, r.URL()+"/v1/invoices", strings.NewReader(smallBody))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("traceparent", traceparent)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestARequestIsOneTraceAndItsBatchIsLinked(t *testing.T) {
	collector := newCollector(t)
	c := startCluster(t, devcluster.Config{Replicas: 1, Env: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url(), "OTEL_BSP_SCHEDULE_DELAY=100",
	}})
	key := tenant(t, c, "secretive")

	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	issueTraced(t, c.Replicas[0], key, "00-"+trace+"-"+parent+"-01")
	ours := func(name string) *otlp.Span {
		var found *otlp.Span
		eventually(t, 30*time.Second, "a span "+name, func() bool {
			for _, s := range collector.named(name) {
				if hex.EncodeToString(s.TraceId) == trace {
					found = s
				}
			}
			return found != nil
		})
		return found
	}
	server := ours("POST /v1/invoices")
	if hex.EncodeToString(server.ParentSpanId) != parent || server.Kind != otlp.Span_SPAN_KIND_SERVER {
		t.Errorf("the request's span is %v", server)
	}
	last := server.StartTimeUnixNano
	for _, phase := range []string{"take", "queue", "commit"} {
		s := ours(phase)
		if string(s.ParentSpanId) != string(server.SpanId) {
			t.Errorf("%s is no child of the request", phase)
		}
		if s.StartTimeUnixNano < last || s.EndTimeUnixNano > server.EndTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%s is not in its place: %v", phase, s)
		}
		last = s.StartTimeUnixNano
	}
	commit := ours("commit")
	eventually(t, 30*time.Second, "a batch that is linked both ways", func() bool {
		for _, b := range collector.named("batch") {
			if len(commit.Links) == 1 && same(commit.Links[0], b) && len(b.Links) == 1 && same(b.Links[0], server) && len(b.ParentSpanId) == 0 {
				return true
			}
		}
		return false
	})

	issueTraced(t, c.Replicas[0], key, "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"+parent+"-00") // not sampled
	eventually(t, time.Minute, "a batch of several requests", func() bool {
		var sending sync.WaitGroup
		for i := range 32 {
			sending.Go(func() { issueTraced(t, c.Replicas[0], key, fmt.Sprintf("00-%032x-%s-01", i+1, parent)) })
		}
		sending.Wait()
		for _, b := range collector.named("batch") {
			if len(b.Links) >= 2 && linkedToRequests(b, collector.named("POST /v1/invoices")) {
				return true
			}
		}
		return false
	})
	if strings.Contains(collector.text(), "secretive") {
		t.Error("spans tell the tenant")
	}
	if strings.Contains(collector.text(), strings.Repeat("\xaa", 16)) {
		t.Error("a request that was not sampled has spans")
	}
}

func same(l *otlp.Span_Link, s *otlp.Span) bool {
	return string(l.TraceId) == string(s.TraceId) && string(l.SpanId) == string(s.SpanId)
}

// linkedToRequests reports whether every link of a batch leads to another of requests.
func linkedToRequests(b *otlp.Span, requests []*otlp.Span) bool {
	found := make(map[string]bool)
	for _, l := range b.Links {
		for _, r := range requests {
			if same(l, r) {
				found[string(r.SpanId)] = true
			}
		}
	}
	return len(found) == len(b.Links)
}

// A collector that takes connections and never answers costs requests nothing, and the
// end of a replica no more than its bound.
func TestACollectorThatDoesNotAnswerHoldsUpNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := startCluster(t, devcluster.Config{Replicas: 1, Env: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + silent.Addr().String(), "OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_BSP_MAX_QUEUE_SIZE=16", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=8",
	}})
	key := tenant(t, c, "acme")
	for i := range 200 { // many more spans than there is room for
		begun := time.Now()
		issueTraced(t, c.Replicas[0], key, fmt.Sprintf("00-%032x-00f067aa0ba902b7-01", i+1))
		if took := time.Since(begun); took > 5*time.Second {
			t.Fatalf("a request took %s", took)
		}
	}
	begun := time.Now()
	if err := c.Replicas[0].Terminate(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 8*time.Second { // the bound is two seconds, for each of two providers at most
		t.Errorf("the replica took %s to end", took)
	}
	if log := readLog(t, c.Replicas[0]); !strings.Contains(log, "spans were not sent") {
		t.Error("the log does not tell that spans were lost")
	}
}
