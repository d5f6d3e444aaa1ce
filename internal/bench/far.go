package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// farEtcd stands between replicas and etcd, and keeps what either says for half of a round
// trip. What is under way is not held up by what is behind it.
type farEtcd struct {
	listener net.Listener
	to       string
	half     time.Duration
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

// startFarEtcd puts etcd, host:port, so far away that a round trip takes so long.
func startFarEtcd(to string, trip time.Duration) (*farEtcd, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &farEtcd{listener: l, to: to, half: trip / 2}
	f.running.Go(f.accept)
	return f, nil
}

func (f *farEtcd) address() string { return f.listener.Addr().String() }

func (f *farEtcd) accept() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", f.to)
		if err != nil {
			_ = near.Close() // the client sees it
			continue
		}
		if !f.keep(near, far) {
			return
		}
		f.running.Go(func() { f.carry(far, near) })
		f.running.Go(func() { f.carry(near, far) })
	}
}

// keep remembers connections, so that close ends them.
func (f *farEtcd) keep(conns ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, conns...)
	if f.closed {
		for _, c := range conns {
			_ = c.Close() // nobody uses it
		}
	}
	return !f.closed
}

// piece is what was read, and when it is due at the other end.
type piece struct {
	text []byte
	due  time.Time
}

// carry carries what from says to its other end, each piece half a trip later.
func (f *farEtcd) carry(to, from net.Conn) {
	under := make(chan piece, 1024)
	f.running.Go(func() {
		for p := range under {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.text); err != nil {
				_ = from.Close() // ends the reading below
			}
		}
		_ = to.Close()
	})
	defer close(under)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			under <- piece{append([]byte(nil), buffer[:n]...), time.Now().Add(f.half)}
		}
		if err != nil {
			return
		}
	}
}

// close ends everything and waits for it.
func (f *farEtcd) close() error {
	f.mu.Lock()
	f.closed = true
	errs := []error{f.listener.Close()}
	for _, c := range f.conns {
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	f.mu.Unlock()
	f.running.Wait()
	return errors.Join(errs...)
}
