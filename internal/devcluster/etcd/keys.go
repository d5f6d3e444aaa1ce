package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// withClient runs do with a client of all members, as an operator's etcdctl is one.
func (c *Cluster) withClient(do func(*clientv3.Client) error) (err error) {
	client, err := clientv3.New(clientConfig(c.Endpoints()...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(client)
}

func clientConfig(endpoints ...string) clientv3.Config {
	return clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()}
}

// Get returns the value of a key, and whether there is one.
func (c *Cluster) Get(ctx context.Context, key string) (value string, found bool, err error) {
	err = c.withClient(func(client *clientv3.Client) error {
		got, err := client.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("get %s: %w", key, err)
		}
		if found = len(got.Kvs) > 0; found {
			value = string(got.Kvs[0].Value)
		}
		return nil
	})
	return value, found, err
}

// Put overwrites a key with any value, as etcdctl put does: nothing is compared.
func (c *Cluster) Put(ctx context.Context, key, value string) error {
	return c.withClient(func(client *clientv3.Client) error {
		if _, err := client.Put(ctx, key, value); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
		return nil
	})
}

// Delete deletes a key, as etcdctl del does. One that is not there is an error: a
// drill that deletes nothing shows nothing.
func (c *Cluster) Delete(ctx context.Context, key string) error {
	return c.withClient(func(client *clientv3.Client) error {
		done, err := client.Delete(ctx, key)
		if err == nil && done.Deleted == 0 {
			err = errors.New("there is no such key")
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
		return nil
	})
}
