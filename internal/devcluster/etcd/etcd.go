// Package etcd runs a real etcd of one or three members, each a child process:
// the own binary, executed again. Call [RunIfMember] first thing in main or
// TestMain, then [Start].
package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"folio/internal/devcluster/process"
)

// Config says what to run. Dir is required and keeps data and ports.
type Config struct {
	Dir     string
	Members int   // 1 or 3; 0: 1
	Fast    bool  // for tests: quick elections, and no fsync
	TLS     *TLS  // set: clients speak TLS and show a certificate
	Quota   int64 // bytes of its database at which a member refuses writes; 0: etcd's default
}

// TLS are paths of PEM files. CA signs the members' certificate, which is their
// key to each other's questions as well, and every client's.
type TLS struct{ CA, Cert, Key string }

// Cluster is a running etcd.
type Cluster struct {
	members []*Member
}

// Member is one member, which can be killed, stopped and started again.
type Member struct {
	is   member
	name string

	mu   sync.Mutex
	proc *process.Process
}

// Start starts the members and waits until each is healthy.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Members == 0 {
		cfg.Members = 1
	}
	if cfg.Members != 1 && cfg.Members != 3 {
		return nil, fmt.Errorf("start etcd: %d members; want 1 or 3", cfg.Members)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	all, err := describe(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	c := &Cluster{}
	for _, is := range all {
		c.members = append(c.members, &Member{is: is, name: is.Name})
	}
	if err := c.startAll(ctx); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// describe says who the members are; ports are those of an earlier run.
func describe(cfg Config) ([]member, error) {
	ports, err := process.Saved(filepath.Join(cfg.Dir, "ports.json"), func() ([]int, error) {
		return process.FreePorts(2 * cfg.Members)
	})
	if err != nil {
		return nil, err
	}
	if len(ports) != 2*cfg.Members {
		return nil, fmt.Errorf("%s holds an etcd of %d members, not %d; use --fresh or another folder", cfg.Dir, len(ports)/2, cfg.Members)
	}
	var all []member
	var cluster []string
	for i := range cfg.Members {
		name := fmt.Sprintf("m%d", i)
		m := member{
			Name: name, Dir: filepath.Join(cfg.Dir, name), Fast: cfg.Fast, TLS: cfg.TLS, Quota: cfg.Quota,
			Client: fmt.Sprintf("%s://127.0.0.1:%d", cfg.TLS.scheme(), ports[2*i]),
			Peer:   fmt.Sprintf("http://127.0.0.1:%d", ports[2*i+1]),
		}
		all, cluster = append(all, m), append(cluster, name+"="+m.Peer)
	}
	for i := range all {
		all[i].Cluster = strings.Join(cluster, ",")
	}
	return all, nil
}

// startAll starts all members at once: none is ready before most are there.
func (c *Cluster) startAll(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(c.members))
	for i, m := range c.members {
		wg.Go(func() { errs[i] = m.Start(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Endpoints returns the members' addresses, host:port.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.members {
		all = append(all, m.Endpoint())
	}
	return all
}

// Member returns the i-th member, from 0.
func (c *Cluster) Member(i int) *Member { return c.members[i] }

// Close ends all members, in good order while ctx allows. The leader goes last:
// it would wait for seconds for a successor that ends as well.
func (c *Cluster) Close(ctx context.Context) error {
	leader, _ := c.Leader(ctx) // without one the order does not matter
	var wg sync.WaitGroup
	errs := make([]error, len(c.members)+1)
	for i, m := range c.members {
		if m != leader {
			wg.Go(func() { errs[i] = m.end(ctx) })
		}
	}
	wg.Wait()
	if leader != nil {
		errs[len(c.members)] = leader.end(ctx)
	}
	return errors.Join(errs...)
}

// Start starts the member, with the data it has, and waits until it is healthy.
func (m *Member) Start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	text, err := json.Marshal(m.is)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	log, err := os.OpenFile(m.is.Dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), memberEnv+"="+string(text))
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := process.Start(cmd)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.proc = proc
	m.mu.Unlock()
	if err := proc.Await(ctx, m.healthy); err != nil {
		return fmt.Errorf("etcd member %s (its log is %s): %w", m.name, log.Name(), err)
	}
	return nil
}

func (m *Member) healthy(ctx context.Context) error {
	way, err := m.is.TLS.way()
	if err != nil {
		return err
	}
	return process.AnswersOKOver(ctx, way, m.is.Client+"/health")
}

// Kill kills the member: SIGKILL.
func (m *Member) Kill() error { return m.process().Kill() }

// Stop stops the member in its tracks: SIGSTOP.
func (m *Member) Stop() error { return m.process().Signal(syscall.SIGSTOP) }

// Continue lets a stopped member go on: SIGCONT.
func (m *Member) Continue() error { return m.process().Signal(syscall.SIGCONT) }

func (m *Member) process() *process.Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.proc
}

func (m *Member) end(ctx context.Context) error {
	p := m.process()
	if p == nil || !p.Running() {
		return nil
	}
	if err := m.Continue(); err != nil {
		return err
	}
	return p.End(ctx, syscall.SIGTERM)
}
