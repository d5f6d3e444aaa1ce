package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"folio/invoices"
)

// allow lists the methods for an Allow header.
func (m methods) allow() string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// wrap is what every request goes through: a bound on its time and on what its body
// takes, an id for the log, a problem for an error or a panic, and the metrics.
func (a *api) wrap(route string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bound := withBound(r.Context(), a.cfg.RequestTimeout)
		defer bound.end()
		id := uuid.NewString()
		w.Header().Set("X-Request-Id", id)
		ctx, span := a.traced(bound, r, route, id)
		rec := &recorder{ResponseWriter: w, buffers: &a.buffers}
		a.metrics.begin()
		defer func() {
			a.metrics.end(route, r.Method, rec.status(), time.Since(bound.made))
			endTrace(span, rec.status())
		}()
		bounded := r.WithContext(ctx)
		bound.keep(bounded, &a.bodies)
		if err := guarded(h, rec, bounded); err != nil {
			a.answerError(rec, r, id, route, err)
		}
	})
}

// guarded turns a panic into an error, so that one request cannot end the
// process.
func guarded(h handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer recovered(&err)
	return h(w, r)
}

// recovered is deferred by who must not end the process: a panic becomes its err.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// answerError writes the problem for err. What is nobody's fault but ours is
// logged, here and nowhere else. If the answer was begun the connection is broken:
// else what is there of it would pass for the whole.
func (a *api) answerError(rec *recorder, r *http.Request, id, route string, err error) {
	p := problemOf(err)
	gone := clientGone(r, err)
	if p.Status >= http.StatusInternalServerError && !gone {
		a.cfg.Log.Error("request failed", "method", r.Method, "route", route, "status", p.Status, "request", id, "error", err)
	}
	begun := rec.code != 0
	if !begun {
		p.write(rec)
	}
	rec.code = p.Status // for the metrics
	if gone {
		rec.code = statusClientGone
	}
	if begun {
		panic(http.ErrAbortHandler)
	}
}

// statusClientGone stands in the metrics for an answer that nobody was there to read.
const statusClientGone = 499

// clientGone reports whether err is that the client has left, or reads too slowly: it is
// no fault of ours, and no cause for an alarm. r is the request as it came, which ends
// with its connection and not with its bound.
func clientGone(r *http.Request, err error) bool {
	return errors.Is(err, errClientGone) ||
		r.Context().Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, invoices.ErrUnavailable))
}

// recorder remembers the status that was sent.
type recorder struct {
	http.ResponseWriter
	code    int
	buffers *buffers // for what is sent
}

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController and MaxBytesReader reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}
