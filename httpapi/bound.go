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
	cancel context.CancelCauseFunc
	timer  *time.Timer
	most   time.Duration
	made   time.Time
	until  atomic.Int64 // nanoseconds from made to its end
	body   kept
}

type boundKey struct{}

func withBound(ctx context.Context, most time.Duration) *bound {
	b := &bound{most: most, made: time.Now()}
	b.Context, b.cancel = context.WithCancelCause(ctx)
	b.timer = time.AfterFunc(most, b.over)
	b.begin()
	return b
}

// over ends the bound when its time is up.
func (b *bound) over() { b.cancel(context.DeadlineExceeded) }

// end ends the bound with its request.
func (b *bound) end() {
	b.timer.Stop()
	b.cancel(context.Canceled)
	b.body.giveBack()
}

// keep makes the body of r take room until the bound ends. It is called once.
func (b *bound) keep(r *http.Request, rooms *bodies) {
	if r.ContentLength == 0 {
		return
	}
	b.body = kept{ReadCloser: r.Body, room: rooms.of(r)}
	r.Body = &b.body
}

func (b *bound) begin() { b.until.Store(int64(time.Since(b.made) + b.most)) }

// Deadline is when the work has to be done; of no use while the bound rests.
func (b *bound) Deadline() (time.Time, bool) {
	return b.made.Add(time.Duration(b.until.Load())), true
}

func (b *bound) Value(key any) any {
	if key == (boundKey{}) {
		return b
	}
	return b.Context.Value(key)
}

// rest keeps the bound of a request from running until it resumes; then it begins anew.
// nil: there is none, or it is over.
func rest(r *http.Request) *bound {
	b, ok := r.Context().Value(boundKey{}).(*bound)
	if !ok || !b.timer.Stop() {
		return nil
	}
	return b
}

func (b *bound) resume() {
	if b == nil {
		return
	}
	b.begin()
	b.timer.Reset(b.most)
}
