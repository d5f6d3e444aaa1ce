package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a body that comes after a while.
type slowly struct {
	io.Reader
	after time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(s.after)
	s.after = 0
	return s.Reader.Read(p)
}

func TestTheTimeOfARequestBeginsWhenItsBodyWasRead(t *testing.T) {
	e := newEdge(t, Config{RequestTimeout: 10 * time.Second})
	synctest.Test(t, func(t *testing.T) {
		req := post("")
		req.Body, req.ContentLength = io.NopCloser(&slowly{strings.NewReader(goodBody), 25 * time.Second}), -1
		e.stub.wait = make(chan struct{})
		time.AfterFunc(34*time.Second, func() { close(e.stub.wait) })
		if got := e.ask(req); got.Code != http.StatusCreated {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		req := post("")
		req.Body, req.ContentLength = io.NopCloser(&slowly{strings.NewReader(goodBody), 25 * time.Second}), -1
		e.stub.wait = make(chan struct{})
		begun := time.Now()
		if got := e.ask(req); got.Code != http.StatusServiceUnavailable || time.Since(begun) != 35*time.Second {
			t.Errorf("%d after %s", got.Code, time.Since(begun))
		}
	})
}

// Reads of etcd share the time that is left among its members.
func TestTheTimeThatIsLeftCanBeAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := withBound(t.Context(), 10*time.Second)
		resting := rest(post("").WithContext(ctx))
		time.Sleep(25 * time.Second)
		resting.resume()
		child, cancel := context.WithTimeout(ctx, time.Minute)
		for _, c := range []context.Context{ctx, child} {
			if at, ok := c.Deadline(); !ok || time.Until(at) != 10*time.Second {
				t.Errorf("%s are left, %v", time.Until(at), ok)
			}
		}
		cancel()
		ctx.end()
		if ctx.Err() == nil {
			t.Error("it goes on after its end")
		}
	})
}
