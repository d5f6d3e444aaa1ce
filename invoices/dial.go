package invoices

import (
	"context"
	"net"
	"time"
)

// dialer opens connections whose silence has an end: a read or a write that
// makes no progress for that long fails. Without it a peer that vanished, or a
// server that was stopped, would keep a call for ever: the driver's answer to
// an ended context is a message to the server, not an end of the wait.
type dialer struct {
	silence time.Duration // 0: no end
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	nd := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 2}}
	c, err := nd.DialContext(ctx, network, address)
	if err != nil || d.silence == 0 {
		return c, err
	}
	return &boundedConn{Conn: c, silence: d.silence}, nil
}

// Dial implements pq.Dialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// boundedConn is used by one goroutine at a time, as the driver does.
type boundedConn struct {
	net.Conn
	silence time.Duration
	until   time.Time // the driver's own deadline while it connects
}

func (c *boundedConn) SetDeadline(t time.Time) error {
	c.until = t
	return c.Conn.SetDeadline(t)
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(c.deadline()); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *boundedConn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(c.deadline()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *boundedConn) deadline() time.Time {
	t := time.Now().Add(c.silence)
	if !c.until.IsZero() && c.until.Before(t) {
		return c.until
	}
	return t
}
