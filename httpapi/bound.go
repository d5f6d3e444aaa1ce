package httpapi

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// bound is a context that ends when the work of a request has taken too long. While
// the body is read it rests: the server's ReadTimeout bounds that, and a large batch
// over a slow line must not find its time used up.
type bound struct {
	context.Context
	timer    *time.Timer
	most     time.Duration
	deadline atomic.Pointer[time.Time]
	body     kept
}

type boundKey struct{}

func withBound(ctx context.Context, most time.Duration) (bounded *bound, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &bound{Context: ctx, most: most}
	b.timer = time.AfterFunc(most, func() { cancel(context.DeadlineExceeded) })
	b.begin()
	return b, func() {
		b.timer.Stop()
		cancel(context.Canceled)
		b.body.giveBack()
	}
}

// keep makes the body of r take room until the bound ends. It is called once.
func (b *bound) keep(r *http.Request, rooms *bodies) {
	if r.ContentLength == 0 {
		return
	}
	b.body = kept{ReadCloser: r.Body, room: rooms.of(r)}
	r.Body = &b.body
}

func (b *bound) begin() {
	at := time.Now().Add(b.most)
	b.deadline.Store(&at)
}

// Deadline is when the work has to be done; of no use while the bound rests.
func (b *bound) Deadline() (time.Time, bool) { return *b.deadline.Load(), true }

func (b *bound) Value(key any) any {
	if key == (boundKey{}) {
		return b
	}
	return b.Context.Value(key)
}

// rest keeps the bound of a request from running until resume is called; then it
// begins anew.
func rest(r *http.Request) (resume func()) {
	b, ok := r.Context().Value(boundKey{}).(*bound)
	if !ok || !b.timer.Stop() {
		return func() {}
	}
	return func() {
		b.begin()
		b.timer.Reset(b.most)
	}
}
