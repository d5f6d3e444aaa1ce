package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"folio/internal/bench/contender"
	"folio/internal/devcluster/etcd"
	"folio/internal/devcluster/postgres"
	"folio/internal/devcluster/process"
	"folio/invoices"
)

// stack is what the replicas stand on: etcd, Postgres and, if it is installed, Redis,
// with the tenants of the benchmark. Everything waits for the disk, as it should.
type stack struct {
	dir        string
	etcd       *etcd.Cluster
	postgres   *postgres.Server
	redis      *process.Process
	redisAt    string // host:port; "": not installed
	server     contender.Server
	period     string
	postmaster int // its process id
	tenants    []string
	keys       []string // of the tenants
	cloned     map[string]bool
	recycled   int      // segments of WAL that were there when the first round began
	free       *float64 // GB where Postgres has its data, before there were tenants; nil: not told
}

// settings are those of Postgres that differ from its defaults for all contenders alike:
// what a database in production has, whose sessions need not write pages of others.
// All that it keeps of its WAL, 128 segments, it keeps for what is written next.
func settings() []string {
	return []string{"min_wal_size=2GB", "max_wal_size=2GB", "max_connections=300", "shared_buffers=1GB"}
}

// startStack starts one with so many tenants in dir.
func startStack(ctx context.Context, dir string, tenants int) (s *stack, err error) {
	s = &stack{dir: dir, period: time.Now().UTC().Format("2006"), cloned: make(map[string]bool)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(context.WithoutCancel(ctx)))
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return s, err
	}
	if s.etcd, err = etcd.Start(ctx, etcd.Config{Dir: filepath.Join(dir, "etcd")}); err != nil {
		return s, err
	}
	if s.postgres, err = postgres.Start(ctx, postgres.Config{Dir: filepath.Join(dir, "postgres"), Settings: settings()}); err != nil {
		return s, err
	}
	s.server = contender.Server{URL: s.postgres.URL("%s")}
	if err := s.postgres.EnsureDatabase(ctx, "folio"); err != nil {
		return s, err
	}
	if s.postmaster, err = s.server.Postmaster(ctx); err != nil {
		return s, err
	}
	if s.free, _, err = s.room(ctx); err != nil {
		return s, err
	}
	if err := s.startRedis(ctx); err != nil {
		return s, err
	}
	if err := s.fill(ctx, tenants); err != nil {
		return s, err
	}
	return s, s.server.Execute(ctx, "postgres", "create database "+emptyDatabase+" template folio")
}

// startRedis starts a private Redis that keeps what it is told as well as it can without
// waiting for the disk each time: its default for a log of commands.
func (s *stack) startRedis(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil // the table says so
	}
	ports, err := process.FreePorts(1)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, "redis")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "redis.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	port := strconv.Itoa(ports[0])
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
	cmd.Stdout, cmd.Stderr = log, log
	if s.redis, err = process.Start(cmd); err != nil {
		return err
	}
	s.redisAt = "127.0.0.1:" + port
	return s.redis.Await(ctx, func(ctx context.Context) error { return contender.Answers(ctx, s.redisAt) })
}

// fill makes the schema and the tenants, eight at a time.
func (s *stack) fill(ctx context.Context, tenants int) (err error) {
	db, err := invoices.Open(invoices.DBConfig{URL: s.server.Of("folio"), Others: 60})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }() // or nobody could clone the database
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	s.tenants, s.keys = make([]string, tenants), make([]string, tenants)
	making, creating := errgroup.WithContext(ctx)
	making.SetLimit(8)
	for i := range tenants {
		making.Go(func() (err error) {
			s.tenants[i] = fmt.Sprintf("tenant-%d", i)
			_, _, s.keys[i], err = db.CreateTenant(creating, invoices.Tenant{Name: s.tenants[i], LegalName: "Tenant GmbH"})
			return err
		})
	}
	if err := making.Wait(); err != nil {
		return err
	}
	if err := putSeries(ctx, &invoices.SeriesBook{DB: db}, s.tenants[0]); err != nil {
		return err
	}
	return s.server.Execute(ctx, "folio", fmt.Sprintf(likeTheFirst, strictSeries, externalSeries, s.tenants[0]), "analyze")
}

// likeTheFirst gives all tenants two series that the first one has.
const likeTheFirst = `
	insert into series
	select (jsonb_populate_record(s, jsonb_build_object('tenant', t.name))).*
	from series s cross join tenants t
	where s.name in ('%[1]s', '%[2]s') and s.tenant = '%[3]s' and t.name <> '%[3]s'`

// recycle has Postgres fill so many segments of WAL, so that it can use them again.
func (s *stack) recycle(ctx context.Context, segments int) (err error) {
	if err := s.server.Recycle(ctx, segments); err != nil {
		return err
	}
	s.recycled, err = s.server.Ahead(ctx)
	return err
}

// putSeries makes the series of a tenant that are not made with it.
func putSeries(ctx context.Context, book *invoices.SeriesBook, tenant string) error {
	for _, name := range []string{strictSeries, externalSeries} {
		put := invoices.NewSeries(tenant, name)
		put.Period = "year"
		if name == strictSeries {
			put.Numbering = "strict"
		}
		if _, _, err := book.Put(ctx, put); err != nil {
			return fmt.Errorf("make series %s of %s: %w", name, tenant, err)
		}
	}
	return nil
}

// database sees to it that an entrant has its database. One that could not be made as a
// whole is made anew when it is needed next.
func (s *stack) database(ctx context.Context, e entrant) error {
	name := e.database()
	if e.folio || s.cloned[name] {
		return nil
	}
	if err := s.server.Clone(ctx, emptyDatabase, name, s.period); err != nil {
		return errors.Join(err, s.server.Drop(context.WithoutCancel(ctx), name))
	}
	s.cloned[name] = true
	return nil
}

// dropCloned drops the databases of all contenders, to whom nobody may be connected.
func (s *stack) dropCloned(ctx context.Context) error {
	for name := range s.cloned {
		if err := s.server.Drop(ctx, name); err != nil {
			return err
		}
		delete(s.cloned, name)
	}
	return nil
}

// emptyDatabase is what contenders' databases are cloned from: folio's own has replicas
// connected to it.
const emptyDatabase = "bench_empty"

// close ends everything in good order.
func (s *stack) close(ctx context.Context) error {
	var errs []error
	if s.redis != nil {
		errs = append(errs, s.redis.Kill())
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	if s.etcd != nil {
		errs = append(errs, s.etcd.Close(ctx))
	}
	return errors.Join(errs...)
}

// remove removes what the stack left in its folder, and elsewhere. It must be closed.
func (s *stack) remove() error {
	return errors.Join(postgres.Remove(filepath.Join(s.dir, "postgres")), os.RemoveAll(s.dir))
}
