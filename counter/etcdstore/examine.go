package etcdstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Examination asks an etcd about itself. It writes nothing.
type Examination struct {
	client *clientv3.Client
	as     Access
}

// Examine makes a client, which connects when it is used. Errors tell what is wrong with
// the settings.
func (a Access) Examine(ctx context.Context, endpoints []string) (*Examination, error) {
	client, err := a.Dial(ctx, endpoints)
	if err != nil {
		return nil, err
	}
	return &Examination{client, a}, nil
}

// Close closes the client.
func (e *Examination) Close() error { return e.client.Close() }

// Store is the store that is examined.
func (e *Examination) Store() *Store { return &Store{Client: e.client} }

// Member is what a member of etcd says of itself.
type Member struct {
	Cluster uint64
	ID      uint64
	Version string
	Leader  uint64 // the member that it follows, itself if it leads; 0: none
	Size    int64  // bytes of its database
	InUse   int64  // of these, what is not free
	Quota   int64  // at which it refuses writes; 0: it does not tell
	Alarms  []string
}

// Member asks one member for what it says of itself.
func (e *Examination) Member(ctx context.Context, endpoint string) (Member, error) {
	got, err := e.client.Status(ctx, endpoint)
	if err != nil {
		return Member{}, fmt.Errorf("ask %s for its status: %w", endpoint, err)
	}
	m := Member{
		Cluster: got.Header.ClusterId, ID: got.Header.MemberId, Version: got.Version, Leader: got.Leader,
		Size: got.DbSize, InUse: got.DbSizeInUse, Quota: got.DbSizeQuota,
	}
	for _, text := range got.Errors {
		if _, kind, is := strings.Cut(text, "alarm:"); is {
			m.Alarms = append(m.Alarms, strings.TrimSpace(kind))
		}
	}
	return m, nil
}

// Handshake tells what is wrong between the certificates of both sides, which the client
// only tries again: nil if nothing is, or if none are used.
func (e *Examination) Handshake(ctx context.Context, address string) error {
	if !e.as.secured() {
		return nil
	}
	cfg, err := e.as.config()
	if err != nil {
		return err
	}
	cfg.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("TLS with %s: %w", address, err)
	}
	defer conn.Close()
	// A server that refuses a certificate says so after its client has done its part.
	if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		return err
	}
	var refusal *net.OpError
	if _, err := conn.Read(make([]byte, 1)); errors.As(err, &refusal) && !refusal.Timeout() {
		return fmt.Errorf("TLS with %s: %w", address, err)
	}
	return nil
}

// unused is a key of folio's that nobody ever writes.
const unused = everything + "doctor"

// Latency measures linearizable reads, which most members must answer, and returns the
// quickest of five: so neither the connection's beginning nor a busy moment counts.
func (e *Examination) Latency(ctx context.Context) (quickest time.Duration, err error) {
	for try := range 5 {
		begun := time.Now()
		if _, err := e.client.Get(ctx, unused, clientv3.WithKeysOnly()); err != nil && !errors.Is(err, rpctypes.ErrPermissionDenied) {
			return 0, fmt.Errorf("read %s: %w", unused, err)
		}
		if took := time.Since(begun); try == 0 || took < quickest {
			quickest = took
		}
	}
	return quickest, nil
}

// Rights are what the client's user may do.
type Rights struct {
	Asked      bool // etcd asks everybody who they are
	Folio      bool // may read and write what is folio's
	Everything bool // may read what is not
}

// Rights finds out what the client's user may do.
func (e *Examination) Rights(ctx context.Context) (r Rights, err error) {
	status, err := e.client.AuthStatus(ctx)
	switch {
	case err == nil:
		r.Asked = status.Enabled
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		r.Asked = true
	default:
		return r, fmt.Errorf("ask whether etcd asks who is there: %w", err)
	}
	// Permission is asked of both branches; the condition never holds.
	_, err = e.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(unused), "<", 0)).
		Then(clientv3.OpPut(unused, "")).Commit()
	if r.Folio, err = permitted(err); err != nil {
		return r, fmt.Errorf("ask whether %s may be written: %w", everything, err)
	}
	_, err = e.client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithLimit(1), clientv3.WithKeysOnly())
	if r.Everything, err = permitted(err); err != nil {
		return r, fmt.Errorf("ask whether everything may be read: %w", err)
	}
	return r, nil
}

// permitted sorts an answer. One that has no room is not about rights.
func permitted(err error) (bool, error) {
	switch {
	case err == nil, errors.Is(err, rpctypes.ErrNoSpace):
		return true, nil
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return false, nil
	}
	return false, err
}
