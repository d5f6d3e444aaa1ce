package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is the sending part of a run.
type load struct {
	f       flags
	t       *targets
	h       *history
	runID   string
	count   atomic.Int64
	latency latencies
}

// loadFigures are the figures of a load.
type loadFigures struct {
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"` // requests known
	P50       string  `json:"p50"`
	P99       string  `json:"p99"`
	P999      string  `json:"p99_9"`
	Max       string  `json:"max"`
}

func newLoad(f flags, t *targets, h *history) *load {
	var random [4]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	return &load{f: f, t: t, h: h, runID: hex.EncodeToString(random[:])}
}

// run sends requests until the duration, the number of requests or ctx ends;
// then it waits until every one is known, up to --give-up.
func (l *load) run(ctx context.Context) *loadFigures {
	sending, stop := context.WithTimeout(ctx, l.f.Duration)
	defer stop()
	finding, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.f.Duration+l.f.GiveUp)
	defer cancel()
	begun := time.Now()
	var workers sync.WaitGroup
	slots := make(chan struct{}, l.f.Connections)
	for i := 0; l.f.Requests == 0 || i < l.f.Requests; i++ {
		due := begun
		if l.f.Rate > 0 {
			due = begun.Add(time.Duration(float64(i) / l.f.Rate * float64(time.Second)))
			if !sleep(sending, time.Until(due)) {
				break
			}
		}
		select {
		case slots <- struct{}{}:
		case <-sending.Done():
		}
		if sending.Err() != nil {
			break
		}
		if l.f.Rate == 0 {
			due = time.Now() // closed loop: a request begins when its turn comes
		}
		workers.Go(func() {
			defer func() { <-slots }()
			l.issue(finding, due)
		})
	}
	workers.Wait()
	return l.latency.figures(time.Since(begun))
}

// issue makes one request, and for some a twin with the same key at the same
// time, on another replica. Latency counts from when it was due: a server that
// stalls does not slow the clock.
func (l *load) issue(ctx context.Context, due time.Time) {
	n := l.count.Add(1)
	id := fmt.Sprintf("%s-%d", l.runID, n)
	tenant := mrand.IntN(len(l.t.keys))
	c := content{
		Description: "Blow " + id,
		Quantity:    fmt.Sprint(1 + mrand.IntN(9)),
		UnitPrice:   fmt.Sprintf("%d.%02d", mrand.IntN(1000), mrand.IntN(100)),
	}
	first := mrand.IntN(len(l.t.urls))
	var twin sync.WaitGroup
	if mrand.Float64() < l.f.RepeatShare {
		twin.Go(func() { l.until(ctx, tenant, id, c, first+1) })
	}
	if l.until(ctx, tenant, id, c, first) {
		l.latency.add(time.Since(due))
	}
	twin.Wait()
}

// until sends a request to one replica after the other until its outcome is
// known.
func (l *load) until(ctx context.Context, tenant int, id string, c content, first int) bool {
	for try := 0; ; try++ {
		base := l.t.urls[(first+try)%len(l.t.urls)]
		e := event{Tenant: tenant, Request: id, URL: base}
		e.Kind, e.Sent = "sent", &c
		l.h.note(e)
		r := l.t.post(ctx, base, tenant, id, c)
		e.Sent, e.Status = nil, r.status
		switch {
		case r.cause != "":
			e.Kind, e.Cause = "failed", r.cause
		case r.status >= 300:
			e.Kind, e.Body = "refused", r.body
		default:
			e.Kind, e.Body, e.Document = "answered", r.body, &r.document
		}
		l.h.note(e)
		if e.Kind != "failed" {
			return true
		}
		if !sleep(ctx, backoff(try, r.after)) {
			return false
		}
	}
}

// backoff is how long to wait after the try-th failure: what the server asked
// for, up to a second, and never the same for all.
func backoff(try int, asked time.Duration) time.Duration {
	d := max(min(asked, time.Second), min(10*time.Millisecond<<min(try, 7), time.Second))
	return d/2 + mrand.N(d)
}

// sleep waits; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// latencies collects how long each request took until it was known.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *latencies) figures(took time.Duration) *loadFigures {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	at := func(share float64) string {
		if len(l.all) == 0 {
			return "none"
		}
		return l.all[min(len(l.all)-1, int(share*float64(len(l.all))))].Round(10 * time.Microsecond).String()
	}
	return &loadFigures{
		Seconds: took.Seconds(), PerSecond: float64(len(l.all)) / took.Seconds(),
		P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: at(1),
	}
}
