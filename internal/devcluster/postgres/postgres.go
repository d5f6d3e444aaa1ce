// Package postgres runs a private Postgres as a child process, as root or as a
// normal user: see [Start]. Tests that need a server call [ForTests].
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"folio/internal/devcluster/process"
)

// Config says what to run. Dir is required and keeps data and port.
type Config struct {
	Dir      string
	NoSync   bool     // for tests: no fsync, so a crash of the machine may lose data
	Settings []string // more of the server's, name=value, which go before ours
}

// Server is a running Postgres.
type Server struct {
	cfg  Config
	bin  string
	who  account
	home string // data, log and socket are below it
	port int

	mu   sync.Mutex
	proc *process.Process
}

// Start starts a server, with the data that is in Dir, or new and empty, and
// waits until it accepts connections. What an earlier run left running there is
// stopped first.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := prepare(cfg)
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	if err := s.initialise(ctx); err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	s.stopLeftover(ctx)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func prepare(cfg Config) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	who, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o711); err != nil {
		return nil, err
	}
	home, err := who.home(cfg.Dir)
	if err != nil {
		return nil, err
	}
	port, err := process.Saved(filepath.Join(cfg.Dir, "port.json"), func() ([]int, error) { return process.FreePorts(1) })
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, bin: bin, who: who, home: home, port: port[0]}, nil
}

// Remove removes the data that a server had for Config.Dir, wherever it is. The
// server must not be running.
func Remove(dir string) error {
	who, err := serverAccount()
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	home, err := who.home(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(home), os.RemoveAll(dir))
}

func (s *Server) data() string { return filepath.Join(s.home, "data") }

// initialise makes an empty cluster, once. A half-made one is made again.
func (s *Server) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		return nil
	}
	making := s.data() + ".new"
	if err := errors.Join(os.RemoveAll(making), s.who.own(making)); err != nil {
		return err
	}
	args := []string{"--pgdata", making, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-instructions"}
	if s.cfg.NoSync {
		args = append(args, "--no-sync")
	}
	out, err := s.run(ctx, "initdb", args...)
	if err != nil {
		return explain("make a new cluster", out, err)
	}
	return os.Rename(making, s.data())
}

// stopLeftover stops the server of a run that could not do so itself. That
// there is none is the normal case, and shows as an error.
func (s *Server) stopLeftover(ctx context.Context) {
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		_, _ = s.run(ctx, "pg_ctl", "stop", "--pgdata", s.data(), "--mode", "immediate")
	}
}

func (s *Server) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.cfg.Dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	defer log.Close()
	cmd := s.who.command(context.Background(), tool(s.bin, "postgres"), s.settings()...)
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := process.Start(cmd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.proc = proc
	s.mu.Unlock()
	if err := proc.Await(ctx, s.accepts); err != nil {
		return fmt.Errorf("start Postgres (its log is %s): %w", log.Name(), err)
	}
	return nil
}

func (s *Server) settings() []string {
	settings := []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "port=" + strconv.Itoa(s.port),
		"max_connections=200", "shared_buffers=64MB", "log_min_messages=warning", "log_checkpoints=off",
	}
	if s.cfg.NoSync {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	args := []string{"-D", s.data()}
	for _, setting := range append(settings, s.cfg.Settings...) { // of two with one name the last counts
		args = append(args, "-c", setting)
	}
	return args
}

func (s *Server) accepts(ctx context.Context) error {
	out, err := s.run(ctx, "pg_isready", "--host", "127.0.0.1", "--port", strconv.Itoa(s.port), "--quiet")
	if err != nil {
		return explain("it accepts no connections yet", out, err)
	}
	return nil
}

// URL returns where a database is.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// EnsureDatabase makes a database unless it exists.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	out, err := s.run(ctx, "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", s.URL("postgres"),
		"--command", "select 1 from pg_database where datname = '"+name+"'")
	if err != nil {
		return explain("look for database "+name, out, err)
	}
	if len(out) > 0 {
		return nil
	}
	out, err = s.run(ctx, "createdb", "--maintenance-db", s.URL("postgres"), name)
	if err != nil {
		return explain("make database "+name, out, err)
	}
	return nil
}

// The ways in which a server ends.
const (
	Fast      = syscall.SIGINT  // sessions are cut off, what is committed is written out
	Immediate = syscall.SIGQUIT // as a crash: the next start recovers
)

// Restart ends the server in one of the ways and starts it again.
func (s *Server) Restart(ctx context.Context, how syscall.Signal) error {
	if err := s.end(ctx, how); err != nil {
		return err
	}
	return s.start(ctx)
}

// Stop ends the server in good order.
func (s *Server) Stop(ctx context.Context) error { return s.end(ctx, Fast) }

func (s *Server) end(ctx context.Context, how syscall.Signal) error {
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	if p == nil || !p.Running() {
		return nil
	}
	err := p.End(ctx, how)
	var status *exec.ExitError
	if how == Immediate && errors.As(err, &status) && ctx.Err() == nil {
		return nil // it says that it was cut short
	}
	return err
}

// run runs one of Postgres' tools to its end and returns what it printed.
func (s *Server) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := s.who.command(ctx, tool(s.bin, name), args...)
	return cmd.CombinedOutput()
}
