package etcdstore

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Dial returns a client for the given endpoints (host:port or URLs). It does not
// wait for a connection: the client connects when it is used, again and again.
// It pings only while a call is open: etcd hangs up on a client that pings idly.
// gRPC pings no more often than every ten seconds, so it takes twelve to give up
// a connection to a member that lives and says nothing.
func Dial(ctx context.Context, endpoints []string) (*clientv3.Client, error) {
	return Access{}.Dial(ctx, endpoints)
}

// Dial is [Dial] for an etcd that asks who is there. Endpoints without a scheme
// are spoken to with TLS if it has a CA or a certificate.
func (a Access) Dial(ctx context.Context, endpoints []string) (*clientv3.Client, error) {
	if err := a.check(endpoints); err != nil {
		return nil, err
	}
	user, password, err := a.who()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Username:             user,
		Password:             password,
		DialOptions:          a.options(),
		Context:              ctx,
		Endpoints:            endpoints,
		DialTimeout:          2 * time.Second,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 2 * time.Second,
		Logger:               zap.NewNop(), // what matters comes back as an error
	})
	if err != nil {
		return nil, fmt.Errorf("dial etcd at %v: %w", endpoints, err)
	}
	return client, nil
}
