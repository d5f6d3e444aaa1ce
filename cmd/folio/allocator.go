package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

// leaseOfTools is how long a tool that was killed outlives its last sign of life, in
// seconds.
const leaseOfTools = 10

// withAllocator runs an allocator of a tool's own while do works: a holder like that
// of a replica, which hands back what it has at the end.
func (e etcd) withAllocator(cmd command, db *invoices.DB, tool string, do func(*counter.Allocator, *etcdstore.Store) error) error {
	if err := db.Check(cmd.ctx); err != nil {
		return err
	}
	client, err := etcdstore.Dial(cmd.ctx, e.EtcdEndpoints)
	if err != nil {
		return err
	}
	defer client.Close()
	store := &etcdstore.Store{Client: client, TTL: leaseOfTools}
	host, err := os.Hostname()
	if err != nil {
		host = "" // for people only
	}
	a := &counter.Allocator{Config: counter.Config{
		Store: store, Owner: &invoices.Owner{DB: db}, Rules: firstNumbers(db),
		Pod: tool, Node: host, Build: buildVersion(),
	}}
	ctx, stop := context.WithCancel(context.Background()) // it hands back even after ^C
	var running sync.WaitGroup
	var ended error
	running.Go(func() { ended = a.Run(ctx) })
	err = do(a, store)
	stop()
	running.Wait()
	return errors.Join(err, ended)
}

// firstNumbers are the rules of a tool, which reserves nothing that it would give:
// where a series begins that was never used.
func firstNumbers(db *invoices.DB) func(context.Context, counter.Series) (counter.Rules, error) {
	return func(ctx context.Context, s counter.Series) (counter.Rules, error) {
		first, err := db.SeriesStart(ctx, s)
		if err != nil || first > 0 {
			return counter.Rules{First: first}, err
		}
		rules, err := findSeries(ctx, db, s.Tenant, s.Name)
		return counter.Rules{First: rules.Start}, err
	}
}

// findSeries returns a series of a tenant.
func findSeries(ctx context.Context, db *invoices.DB, tenant, name string) (invoices.Series, error) {
	all, err := db.ListSeries(ctx, tenant)
	for _, s := range all {
		if s.Name == name {
			return s, err
		}
	}
	return invoices.Series{}, errors.Join(err, errNoSeries)
}

// errNoSeries: the tenant, or its series, does not exist.
var errNoSeries = errors.New("there is no such series; folio tenant list and folio ledger show what there is")
