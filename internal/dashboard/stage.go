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
)

// stage is what is watched, and what watches it: child processes in a folder of their own.
type stage struct {
	settings
	work    string
	port    int // Prometheus'
	running []*exec.Cmd
	env     map[string]string // what foliodev wrote for scripts
}

func (s *stage) query() prometheus {
	return prometheus(fmt.Sprintf("http://127.0.0.1:%d", s.port))
}

// begin starts folio and Prometheus, and makes what is issued in.
func (s *stage) begin(ctx context.Context) error {
	if _, err := s.start("foliodev", filepath.Join(s.Bin, "foliodev"), "--state", filepath.Join(s.work, "dev")); err != nil {
		return err
	}
	if err := await(ctx, 2*time.Minute, "foliodev", func() bool { return s.readEnv() == nil }); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	config := filepath.Join(s.work, "prometheus.yml")
	if err := errors.Join(l.Close(), os.WriteFile(config, []byte(s.scrapes()), 0o600)); err != nil {
		return err
	}
	if _, err := s.start("prometheus", s.Prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(s.work, "tsdb"),
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", s.port)); err != nil {
		return err
	}
	if err := await(ctx, time.Minute, "Prometheus", func() bool { return s.replicasSeen(ctx) }); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"series", "set", "demo/till", "--format", "T-{seq:6}", "--period", "none", "--range", "1-70000", "--warn-left", "30000", "--on-loss", "void"},
		{"series", "set", "demo/card", "--format", "C-{seq:6}", "--period", "none", "--range", "1-150000"},
	} {
		if out, err := s.command(ctx, "folio", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("folio %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

func (s *stage) replicasSeen(ctx context.Context) bool {
	now := time.Now()
	seen, err := s.query().between(ctx, `up{job="folio"} == 1`, now, now)
	return err == nil && len(seen) == len(strings.Split(s.env["FOLIO_OPS_URLS"], ","))
}

// scrapes is Prometheus' configuration, with the labels that its operator would add.
func (s *stage) scrapes() string {
	var b strings.Builder
	b.WriteString("global: {scrape_interval: 2s, evaluation_interval: 2s}\nscrape_configs:\n")
	for job, targets := range map[string]string{"folio": s.env["FOLIO_OPS_URLS"], "etcd": s.env["FOLIO_ETCD_ENDPOINTS"]} {
		fmt.Fprintf(&b, "- job_name: %s\n  static_configs:\n", job)
		for i, target := range strings.Split(targets, ",") {
			fmt.Fprintf(&b, "  - {targets: [%q], labels: {namespace: folio, pod: %s-%d}}\n", strings.TrimPrefix(target, "http://"), job, i)
		}
	}
	return b.String()
}

func (s *stage) readEnv() error {
	text, err := os.ReadFile(filepath.Join(s.work, "dev", "env"))
	if err != nil {
		return err
	}
	s.env = make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			s.env[name] = strings.Trim(value, "'")
		}
	}
	return nil
}

// start starts a child, which ends with the stage. Its output goes to a file.
func (s *stage) start(name, path string, args ...string) (*exec.Cmd, error) {
	log, err := os.Create(filepath.Join(s.work, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s.running = append(s.running, cmd)
	return cmd, nil
}

// command is a program of folio's with foliodev's settings.
func (s *stage) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.Bin, name), args...)
	cmd.Env = os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

// end ends the children, the latest first.
func (s *stage) end() error {
	var errs []error
	for i := len(s.running) - 1; i >= 0; i-- {
		cmd := s.running[i]
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			errs = append(errs, err)
		}
		if err := cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err))
		}
	}
	return errors.Join(errs...)
}

// await asks again and again whether it is done.
func await(ctx context.Context, bound time.Duration, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
