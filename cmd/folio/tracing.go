package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracing sends spans to a collector: OTLP over HTTP, in protobuf. It is off unless the
// environment names one, as OpenTelemetry has it (OTEL_EXPORTER_OTLP_ENDPOINT, or …_TRACES_ENDPOINT). The other
// variables of OpenTelemetry count as well: headers, certificates, sampler, the bounds of
// the queue. What the queue has no room for is dropped: no request waits for a collector.
type tracing struct {
	requests, batches trace.Tracer // nil: off

	log        *slog.Logger
	providers  []*sdk.TracerProvider
	sent, lost atomic.Int64 // spans
	failures   int64        // exports in a row that failed; the exporting goroutine's own
}

// tracingEnd bounds how long the end of a replica waits for the collector.
const tracingEnd = 2 * time.Second

func newTracing(pod string, log *slog.Logger) (*tracing, error) {
	t := &tracing{log: log}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return t, nil
	}
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		return nil, fmt.Errorf("send traces by OTLP (see OTEL_EXPORTER_OTLP_ENDPOINT): %w", err)
	}
	// Of what is said twice the environment's word (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) is the last.
	about, err := resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "folio"), attribute.String("service.version", buildVersion()),
		attribute.String("service.instance.id", pod),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("send traces by OTLP (see OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	queue := sdk.NewBatchSpanProcessor(exportTold{exporter, t})
	// A batch is traced if one of its requests is, which the sampler has decided by then.
	requests := sdk.NewTracerProvider(sdk.WithSpanProcessor(queue), sdk.WithResource(about))
	batches := sdk.NewTracerProvider(sdk.WithSpanProcessor(queue), sdk.WithResource(about), sdk.WithSampler(sdk.AlwaysSample()))
	t.providers = []*sdk.TracerProvider{requests, batches}
	t.requests, t.batches = requests.Tracer("folio"), batches.Tracer("folio")
	return t, nil
}

// end sends what is in the queue, within its bound.
func (t *tracing) end() {
	ctx, cancel := context.WithTimeout(context.Background(), tracingEnd)
	defer cancel()
	for _, p := range t.providers {
		if err := p.Shutdown(ctx); err != nil {
			t.log.Warn("the last spans were not sent", "error", err)
		}
	}
}

// metrics are there whether traces are sent or not.
func (t *tracing) metrics() []prometheus.Collector {
	total := func(name, help string, of *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "folio_" + name, Help: help},
			func() float64 { return float64(of.Load()) })
	}
	return []prometheus.Collector{
		total("spans_sent_total", "Spans that the collector of traces took.", &t.sent),
		total("spans_failed_total", "Spans that could not be sent; those that the queue had no room for are not among them.", &t.lost),
	}
}

// exportTold counts what is sent, and logs failures ever more rarely. It returns no
// error: OpenTelemetry would print it.
type exportTold struct {
	sdk.SpanExporter
	*tracing
}

// ExportSpans implements sdk.SpanExporter.
func (e exportTold) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		e.sent.Add(int64(len(spans)))
		e.failures = 0
		return nil
	}
	e.lost.Add(int64(len(spans)))
	if e.failures++; e.failures&(e.failures-1) == 0 && !errors.Is(err, context.Canceled) {
		e.log.Warn("spans were not sent and are lost", "spans", len(spans), "failed", e.failures, "error", err)
	}
	return nil
}
