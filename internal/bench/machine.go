package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is what a run was measured on. It has no name: whose it is says nothing.
type machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	System   string `json:"system"`
	Go       string `json:"go"`
	Postgres string `json:"postgres"`
	Settings string `json:"postgres_settings"` // that differ from its defaults, and checkpoint_timeout
	Recycled int    `json:"wal_segments_recycled"`
	Etcd     string `json:"etcd"`
	Redis    string `json:"redis,omitzero"`

	// GB free where Postgres has its data: before there were tenants, and when all was measured;
	// nil: the system does not tell.
	FreeAtBegin *float64 `json:"free_gb_at_begin,omitzero"`
	FreeAtEnd   *float64 `json:"free_gb_at_end,omitzero"`
}

// describe asks what the stack consists of, and what it runs on.
func (s *stack) describe(ctx context.Context) (m machine, err error) {
	m = machine{CPU: cpuModel(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Recycled: s.recycled, FreeAtBegin: s.free}
	if m.Postgres, err = s.server.Version(ctx); err != nil {
		return m, err
	}
	if m.Settings, err = s.server.Settings(ctx); err != nil {
		return m, err
	}
	if m.Etcd, err = s.etcd.Member(0).Version(ctx); err != nil {
		return m, fmt.Errorf("ask etcd for its version: %w", err)
	}
	if s.redisAt != "" {
		m.Redis, err = redisVersion(ctx)
	}
	return m, err
}

// String is what people read of it.
func (m machine) String() string {
	parts := []string{fmt.Sprintf("%d cores (%s)", m.Cores, m.CPU), m.System, m.Go, "Postgres " + m.Postgres, "etcd " + m.Etcd}
	if m.Redis != "" {
		parts = append(parts, "Redis "+m.Redis)
	}
	if m.FreeAtBegin != nil {
		parts = append(parts, fmt.Sprintf("%.1f GB of disk free at the beginning", *m.FreeAtBegin))
	}
	if m.FreeAtEnd != nil {
		parts = append(parts, fmt.Sprintf("%.1f GB at the end", *m.FreeAtEnd))
	}
	wal := fmt.Sprintf("%d segments of WAL there for what is written next", m.Recycled)
	return strings.Join(append(parts, "fsync and synchronous_commit on"), ", ") + ". Postgres has " + m.Settings + ", and " + wal
}

// cpuModel is the name of the CPU, where /proc tells it.
func cpuModel() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// redisVersion is the version that redis-server says of itself, among other things:
// "Redis server v=7.0.15 sha=…".
func redisVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "redis-server", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask Redis for its version: %w", err)
	}
	_, rest, ok := strings.Cut(string(out), " v=")
	if !ok {
		return "", fmt.Errorf("redis-server --version says %q", out)
	}
	return strings.Fields(rest)[0], nil
}
