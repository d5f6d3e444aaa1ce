package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/httpapi"
	"folio/internal/garbage"
	"folio/invoices"
)

type serveCmd struct {
	database
	etcd
	Listen          string        `help:"Address of the public API." env:"FOLIO_LISTEN" default:"127.0.0.1:8080"`
	OpsListen       string        `help:"Address of health, metrics and profiles; never public." env:"FOLIO_OPS_LISTEN" default:"127.0.0.1:9090"`
	LeaseTTL        time.Duration `help:"How long this replica outlives its last sign of life; whole seconds." env:"FOLIO_LEASE_TTL" default:"10s"`
	PodName         string        `help:"Name of this replica; the host's name if not given." env:"POD_NAME"`
	NodeName        string        `help:"Name of the machine, for people." env:"NODE_NAME"`
	DrainDelay      time.Duration `help:"How long to go on serving after SIGTERM while balancers take note." env:"FOLIO_DRAIN_DELAY" default:"0s"`
	ShutdownTimeout time.Duration `help:"How long requests in flight may take after that." env:"FOLIO_SHUTDOWN_TIMEOUT" default:"25s"`
	AuditEvery      time.Duration `help:"How often one of the replicas accounts for every number; 0: never." env:"FOLIO_AUDIT_EVERY" default:"1m"`

	BodiesMiB int64 `name:"bodies-mib" help:"MiB that the bodies of all requests under way may take of this replica's memory; beyond it 503." env:"FOLIO_BODIES_MIB" default:"128"`

	WitnessEvery time.Duration `help:"How often is noted in etcd how far Postgres has come: a restore of Postgres is noticed if it lost more than that." env:"FOLIO_WITNESS_EVERY" default:"5s"`

	Writers int `help:"Connections to Postgres that write batches side by side at most, when more waits than one takes." env:"FOLIO_WRITERS" default:"3"`

	RequireSyncReplication bool `help:"Refuse a Postgres that does not commit to a synchronous standby; then strict series go on after a failover by themselves." env:"FOLIO_REQUIRE_SYNC_REPLICATION"`
}

// Run serves until the command's context ends, then drains and hands back.
func (c *serveCmd) Run(cmd command) error {
	garbage.CollectSeldom()
	log := slog.New(slog.NewJSONHandler(cmd.stderr, nil))
	if err := c.check(); err != nil {
		return err
	}
	r, err := c.wire(log)
	if err != nil {
		return err
	}
	defer r.close()
	return r.run(cmd.ctx)
}

// In MiB. Two thirds of the least are the largest batch; see httpapi.Config.
const leastBodies, mostBodies = 12, 1 << 20

func (c *serveCmd) check() error {
	if c.LeaseTTL < time.Second || c.LeaseTTL%time.Second != 0 {
		return fmt.Errorf("--lease-ttl is %s; want whole seconds, at least one", c.LeaseTTL)
	}
	if c.AuditEvery < 0 {
		return fmt.Errorf("--audit-every is %s; want a length of time, or 0 for never", c.AuditEvery)
	}
	if c.Writers < 1 {
		return fmt.Errorf("--writers is %d; want at least 1", c.Writers)
	}
	if c.BodiesMiB < leastBodies || c.BodiesMiB > mostBodies {
		return fmt.Errorf("--bodies-mib is %d; want %d, so that the largest batch finds room, to %d", c.BodiesMiB, leastBodies, mostBodies)
	}
	if c.PodName != "" {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("--pod-name is not given and the host has no name: %w", err)
	}
	c.PodName = host
	return nil
}

// replica is one running server: the parts of the house, wired.
type replica struct {
	cfg       *serveCmd
	log       *slog.Logger
	db        *invoices.DB
	witness   *invoices.Witness
	etcd      *clientv3.Client
	allocator *counter.Allocator
	writer    *invoices.Writer
	sweeper   *invoices.Sweeper
	keys      *invoices.Keys
	auditor   *auditor
	tracing   *tracing
	public    *http.Server
	ops       *http.Server
	draining  atomic.Bool
	alone     alone
}

// wire puts the parts together. Nothing is connected yet.
func (c *serveCmd) wire(log *slog.Logger) (*replica, error) {
	client, err := c.dial(context.Background(), c.EtcdEndpoints)
	if err != nil {
		return nil, err
	}
	etcdCalls, issuing := newEtcdMetrics(), newIssueMetrics()
	store := &etcdstore.Store{Client: client, TTL: int64(c.LeaseTTL / time.Second), Told: etcdCalls.told}
	witness := &invoices.Witness{Notes: store, Every: c.WitnessEvery, Log: log}
	cfg := c.config()
	cfg.Witness, cfg.Batches = witness, c.Writers+1 // and one that writes strict series
	db, err := invoices.Open(cfg)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	r := &replica{cfg: c, log: log, db: db, etcd: client, witness: witness}
	if r.tracing, err = newTracing(c.PodName, log); err != nil {
		return nil, errors.Join(err, client.Close(), db.Close())
	}
	r.allocator = &counter.Allocator{Config: counter.Config{
		Store: store,
		Owner: &invoices.Owner{DB: db, Holder: r.holder},
		Rules: (&invoices.CounterRules{DB: db}).Rules,
		Pod:   c.PodName, Node: c.NodeName, Build: buildVersion(), Log: log, Refilled: issuing.refilled,
	}}
	r.alone = alone{
		holder: r.allocator.Latest, alive: store.Alive, fenced: db.Fenced, abandon: r.allocator.Abandon,
		every: max(time.Second, c.LeaseTTL/3), log: log,
	}
	witness.Moved = func() { r.allocator.Abandon(r.allocator.Holder()) } // what it holds is of an earlier era
	r.sweeper = &invoices.Sweeper{DB: db, Ledgers: store, Holder: r.holder, Log: log}
	watch := issuing.watch()
	watch.Requests, watch.Batches = r.tracing.requests, r.tracing.batches
	r.writer = invoices.NewWriter(invoices.WriterConfig{DB: db, Numbers: r.allocator, Log: log, Watch: watch, Writers: c.Writers, RequireSync: c.RequireSyncReplication})
	r.keys = &invoices.Keys{DB: db, Log: log}
	r.auditor = newAuditor(db, store, c.AuditEvery, log)
	registry := prometheus.NewRegistry()
	issuer := &invoices.Issuer{DB: db, Numbers: r.allocator, Writer: r.writer}
	registry.MustRegister(slices.Concat(
		[]prometheus.Collector{
			allocatorMetrics(r.allocator), witnessMetric(witness), postgresMetrics(db), r.auditor, buildMetric(),
			collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		},
		issuing.all(), writerMetrics(r.writer), rangeMetrics(issuer), etcdCalls.connection(client), r.tracing.metrics(),
	)...)
	r.public = httpapi.NewServer(c.Listen, httpapi.New(httpapi.Config{
		Issuer: issuer, Numbers: issuer, Drafts: issuer,
		Series:   &invoices.SeriesBook{DB: db, Ledgers: store, Numbers: r.allocator},
		Books:    &invoices.Books{DB: db, Ledgers: store},
		Invoices: db, Tenants: invoices.TenantBook{DB: db, Keys: r.keys}, Keys: r.keys, Log: log, Registry: registry, Tracer: r.tracing.requests,
		Bodies: c.BodiesMiB << 20,
	}))
	r.ops = httpapi.NewServer(c.OpsListen, httpapi.NewOps(httpapi.OpsConfig{Ready: r.ready, Gatherer: registry}))
	return r, nil
}

// holder is the name of the present life.
func (r *replica) holder() string { return r.allocator.Holder() }

func (r *replica) close() {
	if err := errors.Join(r.etcd.Close(), r.db.Close()); err != nil {
		r.log.Warn("connections not closed cleanly", "error", err)
	}
}

// run serves until ctx ends, and then ends its parts in the order in which they
// lean on each other: requests, writer, allocator.
func (r *replica) run(ctx context.Context) error {
	public, err := net.Listen("tcp", r.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	ops, err := net.Listen("tcp", r.cfg.OpsListen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for operations: %w", err), public.Close())
	}
	r.logStart(public.Addr().String(), ops.Addr().String())

	writing, stopWriting := context.WithCancel(context.Background())
	defer stopWriting()
	allocating, stopAllocating := context.WithCancel(context.Background())
	parts, failed := errgroup.WithContext(context.Background())
	parts.Go(func() error {
		defer stopAllocating() // the allocator outlives the writer: what is written is known before it hands back
		return r.writer.Run(writing)
	})
	parts.Go(func() error { r.alone.watch(allocating); return nil })
	parts.Go(func() error { return r.keys.Run(writing) }) // as long as requests are
	parts.Go(func() error { return (&invoices.Listener{DB: r.db, Log: r.log}).Run(writing) })
	parts.Go(func() error { return r.witness.Run(allocating, r.db) }) // notes what was written last
	parts.Go(func() error {
		if err := r.checkPostgres(allocating); err != nil {
			return err
		}
		if r.cfg.AuditEvery > 0 {
			parts.Go(func() error { r.auditor.duty.Run(writing); return nil })
		}
		return r.count(allocating)
	})
	parts.Go(func() error { return serveHTTP(r.public, public) })
	var watched errgroup.Group // the ops listener answers until all else has ended
	watched.Go(func() error { return serveHTTP(r.ops, ops) })

	select {
	case <-ctx.Done():
		r.log.Info("draining", "delay", r.cfg.DrainDelay)
	case <-failed.Done():
	}
	err = r.drain(parts, stopWriting)
	r.tracing.end()
	return errors.Join(err, shutDown(r.ops, time.Second), watched.Wait())
}

// count runs the allocator, and beside it what makes lost numbers void.
func (r *replica) count(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { r.sweeper.Run(ctx) })
	defer beside.Wait()
	defer cancel()
	return r.allocator.Run(ctx)
}

func serveHTTP(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}
