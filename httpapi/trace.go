package httpapi

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced begins the span of a request, as the child of the one that its traceparent names
// (W3C Trace Context), if it has one. Its attributes are those of OpenTelemetry's
// conventions, and never tell a tenant. nil: nothing is traced.
func (a *api) traced(ctx context.Context, r *http.Request, route, id string) (context.Context, trace.Span) {
	if a.cfg.Tracer == nil {
		return ctx, nil
	}
	method := r.Method
	if !knownMethod(method) {
		method = "_OTHER"
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	return a.cfg.Tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.String("folio.request.id", id),
	))
}

// endTrace ends a request's span with the status that was answered.
func endTrace(span trace.Span, status int) {
	if span == nil {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}
