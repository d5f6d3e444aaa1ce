package invoices

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// How the proxy treats the statement that it waits for.
type cut int

const (
	afterFIN    cut = iota // executed and committed, the reply swallowed, the connection closed
	afterRST               // the same, the connection reset
	beforeFIN              // never sent on, the connection closed
	delayed                // the connection closed now, the statement sent on at release
	uncommitted            // the statement executed, the connection closed, committed at release
	stopped                // nothing passes any more until release, as when the client is stopped before the statement
)

// proxy stands between a DB and Postgres. It reads the frontend's messages, and
// when one executes the statement that it was armed for, it cuts.
type proxy struct {
	backend  string
	listener net.Listener
	running  sync.WaitGroup
	trips    atomic.Int64 // messages that ask for an answer: simple queries and Syncs

	mu       sync.Mutex
	marker   string // part of the statement waited for; "" if none
	how      cut
	fired    int
	also     func() // done at the cut
	lost     func() // done when what is delayed has been kept back, before the client learns of it
	release  chan struct{}
	released bool
	late     chan struct{} // closed when what was delayed has been executed
	refused  bool          // new connections are
	conns    map[net.Conn]bool
}

// throughProxy opens the database of url through a proxy.
func throughProxy(t testing.TB, databaseURL string) (*DB, *proxy) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{backend: u.Host, conns: make(map[net.Conn]bool)}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	u.Host = p.listener.Addr().String()
	return open(t, u.String()), p
}

// arm waits for the next statement that contains marker.
func (p *proxy) arm(marker string, how cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marker, p.how, p.release, p.late, p.released = marker, how, make(chan struct{}), make(chan struct{}), false
}

// onCut has also done after the statement was executed, or not, and before the
// client learns that the connection is gone.
func (p *proxy) onCut(also func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.also = also
}

// onLost has lost done after a statement was kept back, and before the client
// learns that the connection is gone.
func (p *proxy) onLost(lost func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = lost
}

// refuse lets nobody connect any more.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = true
}

// cutAll closes every connection there is.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// letGo sends on what was delayed.
func (p *proxy) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.release != nil && !p.released {
		close(p.release)
		p.released = true
	}
}

// waitForLate waits until what was let go has been executed.
func (p *proxy) waitForLate(t testing.TB) {
	t.Helper()
	select {
	case <-p.late:
	case <-time.After(10 * time.Second):
		t.Fatal("what was delayed was not executed")
	}
}

func (p *proxy) armedFor(text []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.marker != "" && bytes.Contains(text, []byte(p.marker))
}

// fire claims the one cut.
func (p *proxy) fire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	armed := p.marker != ""
	if armed {
		p.marker = ""
		p.fired++
	}
	return armed
}

func (p *proxy) doAlso() {
	p.mu.Lock()
	also := p.also
	p.mu.Unlock()
	if also != nil {
		also()
	}
}

func (p *proxy) doLost() {
	p.mu.Lock()
	lost := p.lost
	p.mu.Unlock()
	if lost != nil {
		lost()
	}
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(c) })
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.letGo() // a test that failed did not
	p.cutAll()
	p.running.Wait()
}

func (p *proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

func (p *proxy) track(c net.Conn) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
		c.Close()
	}
}

func (p *proxy) serve(client net.Conn) {
	defer p.track(client)()
	if p.refuses() {
		return
	}
	server, err := net.Dial("tcp", p.backend)
	if err != nil {
		return
	}
	defer p.track(server)()
	s := &session{proxy: p, client: client.(*net.TCPConn), server: server, ready: make(chan struct{})}
	p.running.Go(s.replies)
	s.requests()
}

// session is one connection.
type session struct {
	*proxy
	client  *net.TCPConn
	server  net.Conn
	swallow atomic.Bool   // replies are no longer passed on
	ready   chan struct{} // closed when the server is ready again after that, or gone
}

// requests passes the frontend's messages on, and looks for the statement.
func (s *session) requests() {
	prepared := make(map[string][]byte) // by name
	var bound []byte
	for startup := true; ; startup = false {
		message, err := readMessage(s.client, startup)
		if err != nil {
			return
		}
		if kind := message[0]; !startup && (kind == 'Q' || kind == 'S') {
			s.trips.Add(1)
		}
		statement := message
		switch kind := message[0]; {
		case startup:
			statement = nil
		case kind == 'P': // Parse: name and text
			name, text, _ := bytes.Cut(message[5:], []byte{0})
			prepared[string(name)] = text
		case kind == 'B': // Bind: portal and name
			bound = prepared[string(bytes.Split(message[5:], []byte{0})[1])]
			statement = bound
		case kind == 'E': // Execute
			statement = bound
		}
		if !startup && s.executes(message[0]) && s.armedFor(statement) && s.fire() {
			s.cut(message)
			return
		}
		if _, err := s.server.Write(message); err != nil {
			return
		}
	}
}

// executes reports whether a message of this kind is where the statement is cut. A
// client that stops has sent nothing of it, not even what it binds.
func (s *session) executes(kind byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return kind == 'Q' || kind == 'E' && s.how != stopped || kind == 'B' && s.how == stopped
}

// cut does what was armed; message is the one that executes the statement. All
// that the client has sent is read: to close with something unread would reset
// the connection.
func (s *session) cut(message []byte) {
	s.swallow.Store(true)
	if s.how == stopped {
		<-s.release
		s.client.Close()
		return
	}
	var sync []byte // commits what message executes
	if message[0] == 'E' {
		var err error
		if sync, err = readMessage(s.client, false); err != nil {
			return
		}
	}
	switch s.how {
	case delayed:
		s.doLost()
		s.client.Close()
		<-s.release
	case uncommitted:
		if _, err := s.server.Write(message); err != nil {
			return
		}
		message = nil
		s.client.Close()
		<-s.release
	}
	if s.how != beforeFIN {
		if _, err := s.server.Write(append(message, sync...)); err != nil {
			return
		}
		<-s.ready
	}
	s.doAlso()
	if s.how == afterRST {
		s.client.SetLinger(0)
	}
	close(s.late)
}

// replies passes the server's messages on until they are to be swallowed. The
// client has read the reply to all before the statement that is cut, so what
// comes then is the reply to that.
func (s *session) replies() {
	defer close(s.ready)
	for {
		message, err := readMessage(s.server, false)
		if err != nil {
			s.client.Close()
			return
		}
		if s.swallow.Load() {
			if message[0] == 'Z' {
				return
			}
			continue
		}
		if _, err := s.client.Write(message); err != nil {
			return
		}
	}
}

// readMessage reads one message of the protocol, version 3; the first of a
// connection has no kind.
func readMessage(r io.Reader, startup bool) ([]byte, error) {
	head := make([]byte, 5)
	if startup {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	rest := make([]byte, int(binary.BigEndian.Uint32(head[len(head)-4:]))-4)
	_, err := io.ReadFull(r, rest)
	return append(head, rest...), err
}
