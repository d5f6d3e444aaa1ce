package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tested is the package whose tests must notice.
const tested = "./counter"

// site is a copy of the module that faults are planted into. Its files stay as
// they are: a mutant is laid over them, for one build.
type site struct {
	dir     string
	seeds   int
	timeout time.Duration
}

// try runs m's tests on the copy with m in it.
func (s *site) try(ctx context.Context, m mutant) (verdict, error) {
	overlay, err := s.overlay(m)
	if err != nil {
		return verdict{}, err
	}
	return s.test(ctx, m.run(), "-overlay="+overlay)
}

// overlay writes the mutated file beside the copy and returns the file that tells
// the go command to read it instead of the sound one.
func (s *site) overlay(m mutant) (string, error) {
	sound := filepath.Join(s.dir, "module", filepath.FromSlash(m.file))
	text, err := os.ReadFile(sound)
	if err != nil {
		return "", err
	}
	mutated, err := m.plant(string(text))
	if err != nil {
		return "", err
	}
	beside := filepath.Join(s.dir, m.name)
	if err := os.WriteFile(beside+".go", []byte(mutated), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{sound: beside + ".go"}})
	if err != nil {
		return "", err
	}
	return beside + ".json", os.WriteFile(beside+".json", replace, 0o600)
}

// test runs the tests that match run, until the first that fails.
func (s *site) test(ctx context.Context, run string, more ...string) (verdict, error) {
	args := append([]string{"test", "-json", "-count=1", "-failfast", "-vet=off", "-timeout=" + s.timeout.String(), "-run=" + run}, more...)
	args = append(args, tested, "-seeds="+strconv.Itoa(s.seeds))
	var stdout, stderr bytes.Buffer
	cmd := group(exec.CommandContext(ctx, "go", args...))
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(s.dir, "module"), &stdout, &stderr
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	err := cmd.Run()
	if ctx.Err() != nil {
		return verdict{}, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return verdict{}, fmt.Errorf("go test: %w", err)
	}
	v, judged := judge(&stdout)
	if judged != nil {
		return verdict{}, judged
	}
	if (err == nil) != (v.outcome == passed) {
		return verdict{}, fmt.Errorf("go test: %w, and yet the tests %s: %s", err, v.outcome, strings.TrimSpace(stderr.String()))
	}
	return v, nil
}

// group lets cmd die with all that it started when its context ends.
func group(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// moduleRoot returns the folder of the module that the command is called in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("look for the module: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("look for the module: there is no go.mod here or above")
	}
	return filepath.Dir(file), nil
}
