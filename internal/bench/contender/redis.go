package contender

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// increments takes every number from Redis by INCR, and then inserts its row. What Redis
// forgets when it ends, it gives again.
type increments struct {
	table
	address string
	idle    chan *redisConn // as many as there are connections to Postgres
}

// redisConn is one connection; nil in idle: not made yet.
type redisConn struct {
	net.Conn
	in *bufio.Reader
}

func newIncrements(c Config) (way, error) {
	t, err := open(c.DatabaseURL, c.Connections, inserting("", known))
	if err != nil {
		return nil, err
	}
	w := &increments{table: t, address: c.Redis, idle: make(chan *redisConn, c.Connections)}
	for range c.Connections {
		w.idle <- nil
	}
	return w, nil
}

func (w *increments) store(ctx context.Context, r *row) (int64, error) {
	n, err := w.increment(ctx, r.tenant+"/"+r.series+"/"+r.period)
	if err != nil {
		return 0, fmt.Errorf("take a number from Redis: %w", err)
	}
	return r.put(ctx, w.insert, n)
}

func (w *increments) increment(ctx context.Context, key string) (n int64, err error) {
	var c *redisConn
	select {
	case c = <-w.idle:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if c == nil {
		conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", w.address)
		if err != nil {
			w.idle <- nil
			return 0, err
		}
		c = &redisConn{conn, bufio.NewReader(conn)}
	}
	if n, err = c.increment(key); err != nil {
		err = errors.Join(err, c.Close())
		c = nil
	}
	w.idle <- c
	return n, err
}

// increment speaks RESP, Redis' protocol: an array of two strings, and an integer back.
func (c *redisConn) increment(key string) (int64, error) {
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(c, "*2\r\n$4\r\nINCR\r\n$%d\r\n%s\r\n", len(key), key); err != nil {
		return 0, err
	}
	line, err := c.in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	digits, ok := strings.CutPrefix(strings.TrimSpace(line), ":")
	if !ok {
		return 0, fmt.Errorf("it answered %q", line)
	}
	return strconv.ParseInt(digits, 10, 64)
}

func (w *increments) close() error {
	var errs []error
	for range cap(w.idle) {
		if c := <-w.idle; c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(append(errs, w.table.close())...)
}

// Answers tells whether a Redis answers at an address, host:port.
func Answers(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
