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

// few is how many seeds are tried first: most faults need no more.
const few = 4

// try runs m's tests on the copy with m in it.
func (s *site) try(ctx context.Context, m mutant) (verdict, error) {
	overlay, err := s.overlay(m)
	if err != nil {
		return verdict{}, err
	}
	return s.test(ctx, filepath.Join(s.dir, m.name+".test"), m.run(), "-overlay="+overlay)
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

// test builds the tests into binary, once, and runs those that match run: the
// simulation with a few seeds, and only if these notice nothing with the others.
func (s *site) test(ctx context.Context, binary, run string, build ...string) (verdict, error) {
	v, err := s.build(ctx, binary, build...)
	if err != nil || v.outcome != passed {
		return v, err
	}
	defer os.Remove(binary)
	first := s.seeds
	if run == simulation {
		first = min(few, s.seeds)
	}
	v, err = s.runTests(ctx, binary, run, 0, first)
	if err == nil && v.outcome == passed && first < s.seeds {
		v, err = s.runTests(ctx, binary, run, first, s.seeds-first)
	}
	return v, err
}

func (s *site) build(ctx context.Context, binary string, more ...string) (verdict, error) {
	args := append([]string{"test", "-c", "-json", "-vet=off", "-o=" + binary}, more...)
	return s.judged(ctx, "module", append(args, tested)...)
}

func (s *site) runTests(ctx context.Context, binary, run string, from, seeds int) (verdict, error) {
	return s.judged(ctx, filepath.Join("module", tested), "tool", "test2json", binary,
		"-test.v=test2json", "-test.failfast", "-test.timeout="+s.timeout.String(), "-test.run="+run,
		"-from="+strconv.Itoa(from), "-seeds="+strconv.Itoa(seeds))
}

// judged runs the go command in a folder of the copy and judges what it says.
func (s *site) judged(ctx context.Context, folder string, args ...string) (verdict, error) {
	var stdout, stderr bytes.Buffer
	cmd := group(exec.CommandContext(ctx, "go", args...))
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(s.dir, folder), &stdout, &stderr
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	err := cmd.Run()
	if ctx.Err() != nil {
		return verdict{}, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return verdict{}, fmt.Errorf("go %s: %w", args[0], err)
	}
	v, judged := judge(&stdout)
	if judged != nil {
		return verdict{}, judged
	}
	if (err == nil) != (v.outcome == passed) {
		return verdict{}, fmt.Errorf("go %s ended with %v, and yet it %s: %s", args[0], err, v.outcome, strings.TrimSpace(stderr.String()))
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
