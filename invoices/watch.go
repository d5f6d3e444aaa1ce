package invoices

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Meter is told of figures one by one; a prometheus.Histogram is one. It is told on the
// way of each request, so it must neither wait nor allocate.
type Meter interface{ Observe(float64) }

// Watch is told how issuing goes. The zero Watch is told nothing, which costs nothing.
type Watch struct {
	Take   Meter // seconds until numbers were taken or refused, of each document; nil: not told
	Queue  Meter // seconds that each row waited until its batch was gathered; nil: not told
	Commit Meter // seconds from there until all rows of a batch had an outcome, of each batch; nil: not told
	Rows   Meter // of each batch; nil: not told

	// Requests makes the spans of requests that are traced, Batches those of batches:
	// they are of many requests, and so have a trace of their own, which is recorded if
	// that of one of these is. Both are set, or neither is.
	Requests, Batches trace.Tracer
}

// started is from when the moments of a watch count: they are monotonic and small.
var started = time.Now()

// step is one that is being taken on the way of a request.
type step struct {
	meter Meter
	begun time.Time
	span  trace.Span // nil: not traced
}

// take begins the step of taking numbers.
func (w *Watch) take(ctx context.Context) (s step) {
	if w.Take != nil {
		s.meter, s.begun = w.Take, time.Now()
	}
	if w.traced(ctx) {
		_, s.span = w.Requests.Start(ctx, "take")
	}
	return s
}

func (s step) end(err error) {
	if s.meter != nil {
		s.meter.Observe(time.Since(s.begun).Seconds())
	}
	if s.span != nil {
		endSpan(s.span, err)
	}
}

// traced reports whether spans of the request of ctx are recorded.
func (w *Watch) traced(ctx context.Context) bool {
	return w.Requests != nil && trace.SpanContextFromContext(ctx).IsSampled()
}

// wait is what a row in the queue carries of the watch.
type wait struct {
	since time.Duration // when it was put there, after started
	trace *waitTrace    // nil: not traced
}

// waitTrace is of a row that is traced. Its writer fills in what is below, before the
// outcome is told; only who was told reads it.
type waitTrace struct {
	request trace.SpanContext

	claimed time.Duration
	batch   trace.SpanContext
}

// queue begins the wait of a row.
func (w *Watch) queue(ctx context.Context) (q wait) {
	if w.Queue != nil || w.Requests != nil {
		q.since = time.Since(started)
	}
	if w.traced(ctx) {
		q.trace = &waitTrace{request: trace.SpanContextFromContext(ctx)}
	}
	return q
}

// done makes the spans of a row whose outcome is known: how long it waited, and how
// long the batch took that is linked.
func (w *Watch) done(ctx context.Context, q wait, err error) {
	t := q.trace
	if t == nil {
		return
	}
	claimed := started.Add(t.claimed)
	if t.claimed == 0 { // it was turned away
		w.span(ctx, "queue", started.Add(q.since), time.Now(), err)
		return
	}
	w.span(ctx, "queue", started.Add(q.since), claimed, nil)
	w.span(ctx, "commit", claimed, time.Now(), err, trace.Link{SpanContext: t.batch})
}

// left makes the span of a row whose request ended before its outcome was known.
func (w *Watch) left(ctx context.Context, q wait, err error) {
	if q.trace != nil {
		w.span(ctx, "queue", started.Add(q.since), time.Now(), err)
	}
}

// span makes a span that is over.
func (w *Watch) span(ctx context.Context, name string, from, to time.Time, err error, links ...trace.Link) {
	_, s := w.Requests.Start(ctx, name, trace.WithTimestamp(from), trace.WithLinks(links...))
	if err != nil {
		s.SetStatus(codes.Error, err.Error())
	}
	s.End(trace.WithTimestamp(to))
}

// batch is one that is being written.
type batch struct {
	meter Meter
	begun time.Duration
	span  trace.Span // nil: none of its rows is traced
}

// batch begins the writing of rows that were gathered.
func (w *Watch) batch(entries []*entry) (b batch) {
	if *w == (Watch{}) {
		return b
	}
	b = batch{meter: w.Commit, begun: time.Since(started)}
	if w.Rows != nil {
		w.Rows.Observe(float64(len(entries)))
	}
	var traced []*waitTrace
	for _, e := range entries {
		if w.Queue != nil {
			w.Queue.Observe((b.begun - e.wait.since).Seconds())
		}
		if e.wait.trace != nil {
			traced = append(traced, e.wait.trace)
		}
	}
	if len(traced) > 0 {
		b.span = w.trace(traced, b.begun, len(entries))
	}
	return b
}

// trace begins the span of a batch, which is linked to the requests of its rows, as
// these will be to it.
func (w *Watch) trace(traced []*waitTrace, begun time.Duration, rows int) trace.Span {
	links := make([]trace.Link, len(traced))
	for i, t := range traced {
		links[i].SpanContext = t.request
	}
	_, span := w.Batches.Start(context.Background(), "batch", trace.WithTimestamp(started.Add(begun)),
		trace.WithLinks(links...), trace.WithAttributes(attribute.Int("folio.batch.rows", rows)))
	for _, t := range traced {
		t.claimed, t.batch = begun, span.SpanContext()
	}
	return span
}

func (b batch) end() {
	if b.meter != nil {
		b.meter.Observe((time.Since(started) - b.begun).Seconds())
	}
	if b.span != nil {
		b.span.End()
	}
}

// endSpan ends a span with what came of it.
func endSpan(s trace.Span, err error) {
	if err != nil {
		s.SetStatus(codes.Error, err.Error())
	}
	s.End()
}
