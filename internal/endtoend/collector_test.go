package endtoend

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes spans as OTLP over HTTP has it.
type collector struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	spans  []*otlp.Span
	refuse func(count int)
	bodies string
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t}
	refused := 0
	c.refuse = func(count int) { refused = count }
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got collect.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if refused > 0 || err != nil || r.URL.Path != "/v1/traces" {
			refused--
			http.Error(w, fmt.Sprint("no: ", r.URL.Path, err), http.StatusBadRequest)
			return
		}
		c.bodies += string(body)
		for _, resource := range got.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.server.Close)
	return c
}

func (c *collector) url() string { return c.server.URL }

// named returns the spans of a name that came so far.
func (c *collector) named(name string) (all []*otlp.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

// text is all that came.
func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bodies
}
