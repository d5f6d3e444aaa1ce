package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"folio/internal/bench/contender"
	"folio/internal/devcluster/process"
)

// fleetKey says which replicas a side is served by.
type fleetKey struct {
	entrant  string
	replicas int
	slow     bool // etcd takes 100 ms
	grown    bool
	writers  int // 0: as folio sets it
}

// fleet is the replicas of one entrant.
type fleet struct {
	replicas []replica
	far      *farEtcd // nil: etcd is near
}

// replica is one process.
type replica struct {
	proc    *process.Process
	address string // of its API, host:port
	ops     string // URL
}

// startFleet starts the replicas and waits until they are ready.
func (b *bench) startFleet(ctx context.Context, e entrant, k fleetKey, s *stack) (f *fleet, err error) {
	f = &fleet{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := s.database(ctx, e); err != nil {
		return f, err
	}
	endpoints := s.etcd.Endpoints()
	if k.slow {
		if f.far, err = startFarEtcd(endpoints[0], 100*time.Millisecond); err != nil {
			return f, err
		}
		endpoints = []string{f.far.address()}
	}
	ports, err := process.FreePorts(2 * k.replicas)
	if err != nil {
		return f, err
	}
	for i := range k.replicas {
		listen, ops := fmt.Sprintf("127.0.0.1:%d", ports[2*i]), fmt.Sprintf("127.0.0.1:%d", ports[2*i+1])
		cmd, err := b.command(e, contender.Config{
			Way: e.name, DatabaseURL: s.server.Of(e.database()), Etcd: endpoints, Redis: s.redisAt, Listen: listen, OpsListen: ops,
			Connections: max(1, b.flags.Pool/k.replicas), Replica: i, Replicas: k.replicas, LookFirst: b.flags.LookFirst,
		})
		if err != nil {
			return f, err
		}
		if k.writers > 0 {
			cmd.Env = append(cmd.Env, fmt.Sprintf("FOLIO_WRITERS=%d", k.writers))
		}
		r, err := b.startReplica(ctx, cmd, fmt.Sprintf("%s-%d", e.name, i))
		f.replicas = append(f.replicas, replica{r, listen, "http://" + ops})
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// command is how a replica is started: folio's own program, or this one again.
func (b *bench) command(e entrant, c contender.Config) (*exec.Cmd, error) {
	if !e.folio {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self)
		env, err := c.Env()
		cmd.Env = append(os.Environ(), env)
		return cmd, err
	}
	cmd := exec.Command(b.builds[e.build], "serve")
	cmd.Env = append(os.Environ(),
		"FOLIO_DATABASE_URL="+c.DatabaseURL, "FOLIO_ETCD_ENDPOINTS="+strings.Join(c.Etcd, ","),
		"FOLIO_LISTEN="+c.Listen, "FOLIO_OPS_LISTEN="+c.OpsListen, fmt.Sprintf("POD_NAME=bench-%s-%d", e.name, c.Replica))
	return cmd, nil
}

func (b *bench) startReplica(ctx context.Context, cmd *exec.Cmd, name string) (*process.Process, error) {
	log, err := os.OpenFile(filepath.Join(b.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return process.Start(cmd)
}

// ready waits until every replica is.
func (f *fleet) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, r := range f.replicas {
		if err := r.proc.Await(ctx, func(ctx context.Context) error { return process.AnswersOK(ctx, r.ops+"/readyz") }); err != nil {
			return fmt.Errorf("wait for a replica: %w", err)
		}
		if err := r.proc.Await(ctx, func(ctx context.Context) error { return listens(ctx, r.address) }); err != nil {
			return fmt.Errorf("wait for a replica: %w", err)
		}
	}
	return nil
}

func listens(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// stop ends the replicas as Kubernetes does, all at once.
func (f *fleet) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	errs := make([]error, len(f.replicas)+1)
	done := make(chan struct{})
	for i, r := range f.replicas {
		go func() {
			defer func() { done <- struct{}{} }()
			if r.proc != nil {
				errs[i] = r.proc.End(ctx, syscall.SIGTERM)
			}
		}()
	}
	for range f.replicas {
		<-done
	}
	if f.far != nil {
		errs[len(f.replicas)] = f.far.close()
	}
	return errors.Join(errs...)
}
