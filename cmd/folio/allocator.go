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
	client, err := e.dial(cmd.ctx, e.EtcdEndpoints)
	if err != nil {
		return err
	}
	defer client.Close()
	store := &etcdstore.Store{Client: client, TTL: leaseOfTools}
	host, err := os.Hostname()
	if err != nil {
		host = "" // for people only
	}
	owner := &invoices.Owner{DB: db}
	a := &counter.Allocator{Config: counter.Config{
		Store: store, Owner: owner, Rules: (&invoices.CounterRules{DB: db}).Rules,
		Pod: tool, Node: host, Build: buildVersion(),
	}}
	owner.Holder = a.Holder
	db.WhenMoved(func() { a.Abandon(a.Holder()) }) // as replicas do: a sweep waits for it
	defer db.WhenMoved(nil)
	ctx, stop := context.WithCancel(context.Background()) // it hands back even after ^C
	var running sync.WaitGroup
	var ended error
	running.Go(func() { ended = a.Run(ctx) })
	err = do(a, store)
	stop()
	running.Wait()
	return errors.Join(err, ended)
}

// withWitness opens Postgres for a command that writes numbers, and etcd, which says
// how far Postgres had come: if it is behind that, it is not written to. It is watched
// as replicas do, for an import may take hours, and Postgres may go back meanwhile.
func (e etcd) withWitness(cmd command, d database, w *invoices.Witness, do func(*invoices.DB, *etcdstore.Store) error) error {
	client, store, err := e.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	w.Notes = store
	if err := w.Load(cmd.ctx); err != nil {
		return err
	}
	cfg := d.config()
	cfg.Witness = w
	db, err := invoices.Open(cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	var ended error
	watching.Go(func() { ended = w.Run(ctx, db) })
	err = do(db, store)
	stop()
	watching.Wait()
	return errors.Join(err, ended, db.Close())
}
