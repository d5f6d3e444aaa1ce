package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// floodBodies of almost a mebibyte each are more than lowMemory.
const (
	floodBodies = 250
	floodBytes  = 1<<20 - 1<<10
)

// floodOne sends a body but for its last byte, and waits: what was read is kept in memory.
func floodOne(ctx context.Context, address, key string) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return // the pod has died meanwhile
	}
	defer conn.Close()
	done := context.AfterFunc(ctx, func() { conn.Close() })
	defer done()
	_, err = fmt.Fprintf(conn, "POST /v1/invoices HTTP/1.1\r\nHost: folio\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		key, floodBytes, strings.Repeat(" ", floodBytes-1))
	if err != nil {
		return
	}
	_, _ = conn.Read(make([]byte, 1)) // until the pod dies, or ctx ends
}
