package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// padded is the good body, that long.
func padded(size int) string { return strings.Repeat(" ", size-len(goodBody)) + goodBody }

// heldBytes is what the gauge of bodies says.
func heldBytes(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "folio_http_body_bytes" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no gauge of bodies")
	return 0
}

// holds waits until bodies take that many bytes.
func holds(t *testing.T, registry *prometheus.Registry, want float64) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); heldBytes(t, registry) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("bodies take %v bytes, want %v", heldBytes(t, registry), want)
		}
	}
}

// slow begins a request whose body is announced with size bytes and comes as far as sent.
func slow(t *testing.T, addr, key string, size, sent int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "POST /v1/invoices HTTP/1.1\r\nHost: folio\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		key, size, strings.Repeat(" ", sent))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused checks that a request got the problem of a replica that has no room.
func refused(t *testing.T, what string, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code != http.StatusServiceUnavailable || !strings.Contains(got.Body.String(), `"urn:folio:problem:busy"`) ||
		got.Header().Get("Retry-After") != "1" || got.Header().Get("Connection") != "close" {
		t.Errorf("%s: %d %v %s", what, got.Code, got.Header(), got.Body)
	}
}

func TestSlowLargeBodiesOfManyTenantsFillTheirRoomAndNoMore(t *testing.T) {
	registry := prometheus.NewRegistry()
	e := newEdge(t, Config{Bodies: 3 * maxBody, Registry: registry})
	server := httptest.NewUnstartedServer(e.handler)
	server.Config = NewServer("", e.handler)
	server.Start()
	t.Cleanup(server.Close) // after the clients have left
	addr := server.Listener.Addr().String()

	for range 4 { // who announces takes nothing
		slow(t, addr, goodKey, maxBody, 0)
	}
	one := slow(t, addr, goodKey, maxBody, maxBody-1)
	other := slow(t, addr, otherKey, maxBody, maxBody-1)
	holds(t, registry, 2*maxBody-2)
	refused(t, "a large body", e.ask(post(padded(largeBody+1))))
	refused(t, "a batch", e.ask(send(http.MethodPost, "/v1/invoices/batch", strings.Repeat(" ", largeBody)+`{"invoices":[`+withID("a")+`]}`)))
	unknown := post(goodBody)
	unknown.ContentLength = -1
	refused(t, "a body of unknown length", e.ask(unknown))
	for _, size := range []int{len(goodBody), largeBody} {
		if got := e.ask(post(padded(size))); got.Code != http.StatusCreated {
			t.Errorf("a small body of %d bytes: %d %s", size, got.Code, got.Body)
		}
	}
	holds(t, registry, 2*maxBody-2)

	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, registry, maxBody-1)
	if got := e.ask(post(padded(maxBody))); got.Code != http.StatusCreated {
		t.Errorf("a large body after another has left: %d %s", got.Code, got.Body)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, registry, 0)
}

func TestABodyKeepsItsRoomUntilItsRequestEnds(t *testing.T) {
	const size = 2 * largeBody
	registry := prometheus.NewRegistry()
	e := newEdge(t, Config{Bodies: 2 * size, Registry: registry}) // not room for two
	wait := make(chan struct{})
	e.stub.wait = wait
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- e.ask(post(padded(size))) }()
	for end := time.Now().Add(20 * time.Second); e.stub.waiting.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the first request does not get as far as its number")
		}
	}
	holds(t, registry, size)
	refused(t, "a second one", e.ask(post(padded(size))))
	holds(t, registry, size)
	close(wait)
	if got := <-first; got.Code != http.StatusCreated {
		t.Errorf("the first: %d %s", got.Code, got.Body)
	}
	holds(t, registry, 0)
	if got := e.ask(post(padded(size))); got.Code != http.StatusCreated {
		t.Errorf("afterwards: %d %s", got.Code, got.Body)
	}
	e.stub.panics = true
	if got := e.ask(post(padded(size))); got.Code != http.StatusInternalServerError {
		t.Errorf("a panic: %d %s", got.Code, got.Body)
	}
	holds(t, registry, 0)
}

func TestRoomsOfBodies(t *testing.T) {
	var rooms bodies
	rooms.share(100)
	for length, want := range map[int64]*room{-1: &rooms.large, 1: &rooms.small, largeBody: &rooms.small, largeBody + 1: &rooms.large} {
		if got := rooms.of(&http.Request{ContentLength: length}); got != want {
			t.Errorf("a body of %d bytes has the room of %d", length, got.most)
		}
	}
	if !rooms.large.take(67) || rooms.large.take(1) || !rooms.small.take(33) || rooms.small.take(1) || rooms.held() != 100 {
		t.Errorf("of 100 bytes large ones have %d, small ones %d; %d are held", rooms.large.most, rooms.small.most, rooms.held())
	}
}
