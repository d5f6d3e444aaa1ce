package process

import (
	"fmt"
	"net"
)

// FreePorts returns n ports of 127.0.0.1 that nobody listens on just now.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all at once, so that none is found twice
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
