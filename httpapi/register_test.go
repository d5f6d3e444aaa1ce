package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestARegisterThatFailsInTheMiddleBreaksTheConnection(t *testing.T) {
	for _, format := range []string{"csv", "json", "html"} {
		for _, fails := range []bool{true, false} {
			e := newEdge(t, Config{})
			server := httptest.NewServer(e.handler)
			defer server.Close()
			e.stub.books.pages = 5
			page := 0
			e.stub.books.each = func(context.Context) error {
				if page++; fails && page == 4 {
					return errors.New("planted")
				}
				return nil
			}
			req, err := http.NewRequest(http.MethodGet, server.URL+"/v1/series/web/register?format="+format, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+goodKey)
			got, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			got.Body.Close()
			if got.StatusCode != http.StatusOK || len(body) == 0 || fails != (err != nil) || fails && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %d with %d bytes, failed %v: the client is told %v", format, got.StatusCode, len(body), fails, err)
			}
		}
	}
}

func TestATenantHasSoManyRegistersAtATime(t *testing.T) {
	e := newEdge(t, Config{})
	e.stub.books.pages = 1
	begun, end := make(chan struct{}), make(chan struct{})
	e.stub.books.each = func(context.Context) error { begun <- struct{}{}; <-end; return nil }
	var under sync.WaitGroup
	for range registersAtOnce {
		under.Go(func() {
			// Not held against the contract: several at once write to the test.
			e.handler.ServeHTTP(httptest.NewRecorder(), get("/v1/series/web/register"))
		})
		<-begun
	}
	if got := e.ask(get("/v1/series/web/register")); got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d", got.Code)
	}
	close(end)
	under.Wait()
	e.stub.books.each = nil
	if got := e.ask(get("/v1/series/web/register")); got.Code != http.StatusOK {
		t.Errorf("after them: %d", got.Code)
	}
}

// pipes is a listener whose connections are pipes, which obey deadlines in virtual
// time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// serveOn serves the edge, with the bounds that the server has, and returns a
// connection to it on which the register was asked for.
func (e *edge) serveOn(t *testing.T) (client net.Conn, stop func()) {
	t.Helper()
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := NewServer("", e.handler)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	client, there := net.Pipe()
	listener.conns <- there
	request := "GET /v1/series/web/register?format=csv HTTP/1.1\r\nHost: folio\r\nAuthorization: Bearer " + goodKey + "\r\n\r\n"
	if _, err := io.WriteString(client, request); err != nil {
		t.Fatal(err)
	}
	return client, func() {
		_ = client.Close()
		_ = server.Close()
		serving.Wait()
	}
}

// Longer than any of the server's timeouts, which are for requests that rest, and than
// the bound of a request.
func TestALongRegisterIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, Config{})
		e.stub.books.pages = 50
		e.stub.books.each = func(ctx context.Context) error { // a page takes nine seconds to be read
			select {
			case <-time.After(9 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		client, stop := e.serveOn(t)
		defer stop()
		begun := time.Now()
		got, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		slow := bufio.NewReader(got.Body)
		lines := 0
		for {
			_, err := slow.ReadString('\n')
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("after %d lines and %s: %v", lines, time.Since(begun), err)
			}
			lines++
			time.Sleep(10 * time.Second) // and the client takes its time as well
		}
		if lines != 151 {
			t.Errorf("%d lines, want 151", lines)
		}
	})
}

func TestAPageThatTakesTooLongToBeReadEndsTheRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, Config{})
		e.stub.books.pages = 2
		e.stub.books.each = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		client, stop := e.serveOn(t)
		defer stop()
		begun := time.Now()
		got, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(body), "number,") || time.Since(begun) != 10*time.Second {
			t.Errorf("%q and %v after %s", body, err, time.Since(begun))
		}
	})
}

// A client that stops reading, or goes away, holds nothing for longer than a page may
// take.
func TestAClientThatStopsReadingEndsTheRegister(t *testing.T) {
	for name, leaves := range map[string]bool{"it stops": false, "it leaves": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t, Config{})
				e.stub.books.pages = 1 << 40
				client, stop := e.serveOn(t)
				defer stop()
				if _, err := client.Read(make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				if leaves {
					_ = client.Close()
				}
				time.Sleep(registerPatience + time.Second)
				synctest.Wait()
				if e.stub.books.ended.Load() != 1 {
					t.Error("the register is still being written")
				}
			})
		})
	}
}
