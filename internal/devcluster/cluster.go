// Package devcluster runs all of folio on one machine, from real parts: etcd, a
// private Postgres, and replicas of folio, as child processes that can be
// killed, stopped and cut off. foliodev, the end-to-end tests and the chaos
// tests use it alike.
//
// Call etcd.RunIfMember first thing in main or TestMain, then [Start].
package devcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
	"folio/internal/devcluster/process"
)

// Config says what to run. Dir and Folio are required.
type Config struct {
	Dir         string // keeps all data, ports and logs
	Folio       string // the folio binary
	Replicas    int    // 0: 3
	EtcdMembers int    // 1 or 3; 0: 1
	Fast        bool   // for tests: stores that do not wait for the disk
	LeaseTTL    time.Duration
	Env         []string           // more settings for the replicas, NAME=value
	Progress    func(doing string) // told what is waited for; may be nil
	OnRestart   func(error)        // set: a replica that died is started again after a second, and this is told
}

// Cluster is everything, running.
type Cluster struct {
	Etcd     *etcd.Cluster
	Postgres *postgres.Server
	Replicas []*Replica

	cfg      Config
	ctx      context.Context // ends with the cluster
	cancel   context.CancelFunc
	restarts sync.WaitGroup
}

// RemoveData removes what the stores of a cluster kept for dir, in it or, where
// Postgres could not enter it, elsewhere. The cluster must not be running.
func RemoveData(dir string) error {
	return errors.Join(postgres.Remove(filepath.Join(dir, postgresDir)), os.RemoveAll(filepath.Join(dir, "etcd")))
}

// database is the name of folio's database.
const database = "folio"

// postgresDir is the part of the folder that is Postgres'.
const postgresDir = "postgres"

// Start starts everything and waits until it is ready. After an error nothing
// is left running.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Replicas == 0 {
		cfg.Replicas = 3
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	own, cancel := context.WithCancel(context.Background())
	c := &Cluster{cfg: cfg, ctx: own, cancel: cancel}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) (err error) {
	c.cfg.Progress("starting etcd")
	c.Etcd, err = etcd.Start(ctx, etcd.Config{Dir: filepath.Join(c.cfg.Dir, "etcd"), Members: c.cfg.EtcdMembers, Fast: c.cfg.Fast})
	if err != nil {
		return err
	}
	c.cfg.Progress("starting Postgres")
	c.Postgres, err = postgres.Start(ctx, postgres.Config{Dir: filepath.Join(c.cfg.Dir, postgresDir), NoSync: c.cfg.Fast})
	if err != nil {
		return err
	}
	if err := c.Postgres.EnsureDatabase(ctx, database); err != nil {
		return err
	}
	c.cfg.Progress("migrating the schema")
	if _, err := c.Run(ctx, "migrate"); err != nil {
		return err
	}
	c.cfg.Progress(fmt.Sprintf("starting %d replicas", c.cfg.Replicas))
	return c.startReplicas(ctx)
}

func (c *Cluster) startReplicas(ctx context.Context) error {
	ports, err := ports(c.cfg.Dir, c.cfg.Replicas)
	if err != nil {
		return err
	}
	errs := make([]error, c.cfg.Replicas)
	var wg sync.WaitGroup
	for i := range c.cfg.Replicas {
		r := c.replica(i, ports[2*i], ports[2*i+1])
		c.Replicas = append(c.Replicas, r)
		wg.Go(func() { errs[i] = r.Start(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) replica(i, port, ops int) *Replica {
	r := &Replica{
		name: fmt.Sprintf("replica-%d", i), port: port, ops: ops, folio: c.cfg.Folio,
		log: filepath.Join(c.cfg.Dir, fmt.Sprintf("replica-%d.log", i)),
	}
	r.env = append(c.Env(),
		"POD_NAME="+r.name,
		fmt.Sprintf("FOLIO_LISTEN=127.0.0.1:%d", port),
		fmt.Sprintf("FOLIO_OPS_LISTEN=127.0.0.1:%d", ops))
	if c.cfg.LeaseTTL > 0 {
		r.env = append(r.env, "FOLIO_LEASE_TTL="+c.cfg.LeaseTTL.String())
	}
	r.env = append(r.env, c.cfg.Env...)
	if c.cfg.OnRestart != nil {
		r.onDied = func() { c.restarts.Go(func() { c.restart(r) }) }
	}
	return r
}

// Add adds one more replica, with settings of its own, NAME=value. It is to be started.
func (c *Cluster) Add(env ...string) (*Replica, error) {
	ports, err := process.FreePorts(2)
	if err != nil {
		return nil, err
	}
	r := c.replica(len(c.Replicas), ports[0], ports[1])
	r.env = append(r.env, env...)
	c.Replicas = append(c.Replicas, r)
	return r, nil
}

// restart starts a replica that died, after a second. One that does not get
// ready is killed, which calls for another restart.
func (c *Cluster) restart(r *Replica) {
	select {
	case <-c.ctx.Done():
		return
	case <-time.After(restartPause):
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	err := r.Start(ctx)
	if c.ctx.Err() != nil {
		return
	}
	if err != nil && r.Running() {
		err = errors.Join(err, r.process().Kill())
	}
	c.cfg.OnRestart(err)
}

// Env returns the environment in which folio finds this cluster.
func (c *Cluster) Env() []string {
	return append(os.Environ(),
		"FOLIO_DATABASE_URL="+c.Postgres.URL(database),
		"FOLIO_ETCD_ENDPOINTS="+strings.Join(c.Etcd.Endpoints(), ","))
}

// DatabaseURL returns where folio's database is.
func (c *Cluster) DatabaseURL() string { return c.Postgres.URL(database) }

// Run runs a command of folio against this cluster and returns what it printed.
// The error has what it said of its failure.
func (c *Cluster) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.cfg.Folio, args...)
	cmd.Env = c.Env()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("folio %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Close ends everything in good order: replicas, then the stores they need.
func (c *Cluster) Close(ctx context.Context) error {
	c.cancel()
	c.restarts.Wait()
	errs := make([]error, len(c.Replicas))
	var wg sync.WaitGroup
	for i, r := range c.Replicas {
		wg.Go(func() { errs[i] = r.Terminate(ctx); r.watchers.Wait() })
	}
	wg.Wait()
	c.restarts.Wait() // one more may have begun in between; it finds itself cancelled
	if c.Postgres != nil {
		errs = append(errs, c.Postgres.Stop(ctx))
	}
	if c.Etcd != nil {
		errs = append(errs, c.Etcd.Close(ctx))
	}
	return errors.Join(errs...)
}
