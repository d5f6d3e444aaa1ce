package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"folio/internal/plot"
)

// profiling is the name of the scenario in which the first replica of each side is
// profiled. That costs a little itself, so its figures are no others'.
const profiling = "profile"

// profile starts to profile the first replica of a side for a while. wait returns when
// the profile is there.
func (b *bench) profile(ctx context.Context, t *turn, long time.Duration) (wait func() error) {
	done := make(chan error, 1)
	path := b.profilePath(t.name)
	go func() {
		select {
		case <-time.After(t.warmUp):
			ops := t.fleet.replicas[0].ops
			err := fetchProfile(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", ops, max(1, int(long.Seconds()))), path)
			done <- errors.Join(err, fetchProfile(ctx, ops+"/debug/pprof/allocs", allocations(path)))
		case <-ctx.Done():
			done <- ctx.Err()
		}
	}()
	return func() error {
		if err := <-done; err != nil {
			return fmt.Errorf("profile %s: %w", t.name, err)
		}
		return b.flame(ctx, t, path)
	}
}

func (b *bench) profilePath(side string) string {
	return filepath.Join(b.dir, strings.NewReplacer(", ", "-", " × ", "-x", " ", "-").Replace(side)+".pprof")
}

// allocations is where the profile of what was allocated lies, beside that of the CPU.
func allocations(path string) string { return strings.TrimSuffix(path, ".pprof") + ".allocs.pprof" }

func fetchProfile(ctx context.Context, url, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %.200s", resp.StatusCode, text)
	}
	return os.WriteFile(path, text, 0o600)
}

// flame prints where time and memory go, and draws the former if there is a folder for it.
func (b *bench) flame(ctx context.Context, t *turn, path string) error {
	for _, list := range [][]string{{path}, {"-sample_index=alloc_space", allocations(path)}} {
		top, err := exec.CommandContext(ctx, goCommand(), append([]string{"tool", "pprof", "-top", "-nodecount", "25"}, list...)...).Output()
		if err != nil {
			return fmt.Errorf("read the profile of %s: %w", t.name, err)
		}
		fmt.Fprintf(b.out, "  %s:\n", t.name)
		for line := range strings.Lines(string(top)) {
			fmt.Fprint(b.out, "    ", line)
		}
	}
	traces, err := exec.CommandContext(ctx, goCommand(), "tool", "pprof", "-traces", path).Output()
	if err != nil {
		return fmt.Errorf("read the profile of %s: %w", t.name, err)
	}
	stacks, err := parseTraces(strings.NewReader(string(traces)))
	if err != nil || b.flags.Out == "" {
		return err
	}
	if err := os.MkdirAll(b.flags.Out, 0o755); err != nil {
		return err
	}
	svg := plot.Flame("CPU of one replica: "+t.name, stacks)
	name := strings.TrimSuffix(filepath.Base(path), ".pprof") + ".flame.svg"
	return os.WriteFile(filepath.Join(b.flags.Out, name), []byte(svg), 0o644)
}

// parseTraces reads what pprof -traces prints: blocks between lines of hyphens, in each a
// stack with the innermost call first, behind how long it took.
func parseTraces(text io.Reader) (stacks []plot.Stack, err error) {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	var stack *plot.Stack // of the block; nil: the head of the file
	for begun := false; lines.Scan(); {
		line := strings.TrimSpace(strings.TrimSuffix(lines.Text(), " (inline)"))
		if strings.HasPrefix(line, "-----") {
			begun, stack = true, nil
			continue
		}
		if !begun || line == "" {
			continue
		}
		if stack == nil {
			took, call, ok := strings.Cut(line, " ")
			d, err := time.ParseDuration(took)
			if err != nil || !ok {
				continue // a label
			}
			stacks = append(stacks, plot.Stack{Weight: d.Seconds()})
			stack, line = &stacks[len(stacks)-1], strings.TrimSpace(call)
		}
		stack.Calls = append([]string{line}, stack.Calls...)
	}
	if len(stacks) == 0 && lines.Err() == nil {
		return nil, fmt.Errorf("the profile has no samples")
	}
	return stacks, lines.Err()
}
