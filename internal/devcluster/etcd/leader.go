package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrNoLeader: no member that answers says that it leads.
var ErrNoLeader = errors.New("no etcd member leads")

// askTimeout bounds one question to one member, which may be stopped.
const askTimeout = 300 * time.Millisecond

// Leader returns the member that says it leads, or an error that wraps
// ErrNoLeader. A leader that was cut off from the others may say so a while
// after they have chosen another.
func (c *Cluster) Leader(ctx context.Context) (*Member, error) {
	silent := []error{ErrNoLeader}
	for _, m := range c.members {
		leads, err := m.leads(ctx)
		if leads {
			return m, nil
		}
		if err != nil {
			silent = append(silent, fmt.Errorf("member %s: %w", m.name, err))
		}
	}
	return nil, errors.Join(silent...)
}

// Members returns all members, running or not.
func (c *Cluster) Members() []*Member { return append([]*Member(nil), c.members...) }

// Name returns the member's name in its cluster.
func (m *Member) Name() string { return m.name }

// Endpoint returns the member's address for clients, host:port.
func (m *Member) Endpoint() string { return strings.TrimPrefix(m.is.Client, m.is.TLS.scheme()+"://") }

// leads asks the member whether it is the leader.
func (m *Member) leads(ctx context.Context) (bool, error) {
	s, err := m.status(ctx)
	return err == nil && s.Leader != "" && s.Leader != "0" && s.Leader == s.Header.Member, err
}

// Version asks the member which etcd it is.
func (m *Member) Version(ctx context.Context) (string, error) {
	s, err := m.status(ctx)
	return s.Version, err
}

// status is what a member says of itself.
type status struct {
	Header struct {
		Member string `json:"member_id"`
	} `json:"header"`
	Leader  string `json:"leader"`
	Version string `json:"version"`
}

// status asks the member through etcd's JSON gateway.
func (m *Member) status(ctx context.Context) (s status, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.is.Client+"/v3/maintenance/status", strings.NewReader("{}"))
	if err != nil {
		return s, err
	}
	way, err := m.is.TLS.way()
	if err != nil {
		return s, err
	}
	client := http.Client{Transport: way}
	resp, err := client.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%s answered %s", req.URL, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("read the status of %s: %w", m.name, err)
	}
	return s, nil
}
