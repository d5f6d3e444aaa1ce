package devcluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"folio/internal/devcluster/process"
)

// Replica is one `folio serve`, which can be killed, stopped and started again
// on the same ports. The zero ports are chosen at the first start.
type Replica struct {
	name   string
	port   int
	ops    int
	folio  string
	log    string
	env    []string
	onDied func() // called when it ended without being told to; may be nil

	mu       sync.Mutex
	proc     *process.Process
	expected bool           // its end is our doing
	watchers sync.WaitGroup // one per start
}

// URL returns where its API is.
func (r *Replica) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", r.port) }

// OpsURL returns where its health and metrics are.
func (r *Replica) OpsURL() string { return fmt.Sprintf("http://127.0.0.1:%d", r.ops) }

// Log returns the path of its log.
func (r *Replica) Log() string { return r.log }

// Pid returns its process id, or that of the process that ended last.
func (r *Replica) Pid() int { return r.process().Pid() }

// Start starts the replica and waits until it is ready.
func (r *Replica) Start(ctx context.Context) error {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	defer log.Close()
	cmd := exec.Command(r.folio, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = r.env, log, log
	proc, err := process.Start(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	r.mu.Lock()
	r.proc, r.expected = proc, false
	r.mu.Unlock()
	r.watchers.Go(func() { r.watch(proc) })
	if err := proc.Await(ctx, r.ready); err != nil {
		return fmt.Errorf("start %s (its log is %s): %w", r.name, r.log, err)
	}
	return nil
}

// watch tells of an end that nobody asked for.
func (r *Replica) watch(p *process.Process) {
	<-p.Done()
	r.mu.Lock()
	tell := r.onDied != nil && !r.expected && r.proc == p
	r.mu.Unlock()
	if tell {
		r.onDied()
	}
}

func (r *Replica) ready(ctx context.Context) error {
	return process.AnswersOK(ctx, r.OpsURL()+"/readyz")
}

// Kill kills the replica: SIGKILL. Nobody starts it again.
func (r *Replica) Kill() error { return r.expect().Kill() }

// Stop stops the replica in its tracks: SIGSTOP.
func (r *Replica) Stop() error { return r.process().Signal(syscall.SIGSTOP) }

// Continue lets a stopped replica go on: SIGCONT.
func (r *Replica) Continue() error { return r.process().Signal(syscall.SIGCONT) }

// Terminate ends the replica as Kubernetes does, with SIGTERM, and waits; when
// ctx ends first it is killed. The error tells whether it ended with status 0.
func (r *Replica) Terminate(ctx context.Context) error {
	p := r.expect()
	if p == nil || !p.Running() {
		return nil
	}
	if err := p.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if err := p.End(ctx, syscall.SIGTERM); err != nil {
		return fmt.Errorf("terminate %s (its log is %s): %w", r.name, r.log, err)
	}
	return nil
}

// Running reports whether its process lives.
func (r *Replica) Running() bool {
	p := r.process()
	return p != nil && p.Running()
}

func (r *Replica) process() *process.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc
}

// expect notes that the end of the process is our doing.
func (r *Replica) expect() *process.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected = true
	return r.proc
}

// ports chooses a replica's ports, the same as in an earlier run.
func ports(dir string, count int) ([]int, error) {
	path := filepath.Join(dir, "ports.json")
	found, err := process.Saved(path, func() ([]int, error) { return process.FreePorts(2 * count) })
	if err != nil || len(found) >= 2*count {
		return found, err
	}
	more, err := process.FreePorts(2*count - len(found))
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	found = append(found, more...)
	return process.Saved(path, func() ([]int, error) { return found, nil })
}

// restartPause is how long a replica that died stays away.
const restartPause = time.Second
