package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Conn is one connection that sends requests in turn. It knows as much of HTTP/1.1
// (RFC 9112) as net/http's server answers with: a status, a length or chunks.
type Conn struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
	body    []byte
}

// patience is how long an answer may take before the connection counts as broken.
const patience = 30 * time.Second

// Dial connects to a server, host:port.
func Dial(ctx context.Context, address string) (*Conn, error) {
	c := &Conn{address: address, in: bufio.NewReaderSize(nil, 16<<10)}
	return c, c.dial(ctx)
}

func (c *Conn) dial(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("connect the client: %w", err)
	}
	c.conn = conn
	c.in.Reset(conn)
	return nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Post sends a request and returns the status of the answer and its body, which is
// valid until the next call. After an error the connection is a new one.
func (c *Conn) Post(ctx context.Context, request []byte) (status int, body []byte, err error) {
	if err = c.conn.SetDeadline(time.Now().Add(patience)); err == nil {
		_, err = c.conn.Write(request)
	}
	if err == nil {
		status, err = c.read()
	}
	if err != nil {
		return 0, nil, errors.Join(fmt.Errorf("post: %w", err), c.Close(), c.dial(ctx))
	}
	return status, c.body, nil
}

// read reads one answer.
func (c *Conn) read() (status int, err error) {
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("%q is no answer of HTTP/1.1", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("%q has no status: %w", line, err)
	}
	length, chunked, err := c.header()
	if err != nil {
		return 0, err
	}
	c.body = c.body[:0]
	if chunked {
		return status, c.chunks()
	}
	return status, c.take(length)
}

// header reads up to the empty line.
func (c *Conn) header() (length int, chunked bool, err error) {
	for {
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return length, chunked, err
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, fmt.Errorf("content length: %w", err)
			}
		case "Transfer-Encoding":
			chunked = string(value) == "chunked"
		}
	}
}

// chunks reads a body in chunks, without trailers.
func (c *Conn) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(line), 16, 32)
		if err != nil {
			return fmt.Errorf("length of a chunk: %w", err)
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.line(); err != nil || n == 0 {
			return err
		}
	}
}

// take appends n bytes to the body.
func (c *Conn) take(n int) error {
	at := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.in, c.body[at:])
	return err
}

// line reads up to the end of a line, which it leaves out.
func (c *Conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
