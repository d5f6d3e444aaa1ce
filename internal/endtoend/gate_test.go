package endtoend

import (
	"io"
	"net"
	"sync"
	"testing"
)

// gate stands before a store, for one replica: it lets everything through, or nothing.
type gate struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu    sync.Mutex
	shut  bool
	conns map[net.Conn]bool
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, to: to, conns: make(map[net.Conn]bool)}
	g.work.Go(g.accept)
	t.Cleanup(func() {
		l.Close()
		g.set(true)
		g.work.Wait()
	})
	return g
}

func (g *gate) address() string { return g.listener.Addr().String() }

// set shuts the gate, which cuts off whoever is through, or opens it.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for c := range g.conns {
		if shut {
			c.Close()
			delete(g.conns, c)
		}
	}
}

func (g *gate) accept() {
	for {
		in, err := g.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", g.to)
		if err != nil || !g.passes(in, out) {
			in.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			g.work.Go(func() {
				_, _ = io.Copy(way[0], way[1]) // ends with either side
				way[0].Close()
				way[1].Close()
			})
		}
	}
}

func (g *gate) passes(in, out net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		out.Close()
		return false
	}
	g.conns[in], g.conns[out] = true, true
	return true
}
