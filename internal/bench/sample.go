package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"folio/internal/bench/contender"
)

// sample is what was used up to a moment. What a round cost is the difference of two.
type sample struct {
	metrics     map[string]float64 // of all replicas, added up
	cpu         map[string]float64 // seconds, by who used them
	wal         float64            // bytes
	checkpoints contender.Checkpoints
	answered    int64 // requests of the round so far
}

// The parts among which CPU is told apart.
const (
	cpuReplicas = "replicas"
	cpuPostgres = "postgres"
	cpuEtcd     = "etcd and others"
	cpuClient   = "client"
)

// take takes a sample.
func take(ctx context.Context, f *fleet, s *stack) (sample, error) {
	now := sample{metrics: make(map[string]float64), cpu: make(map[string]float64)}
	pids := make(map[int]string)
	for _, r := range f.replicas {
		pids[r.proc.Pid()] = cpuReplicas
		if err := scrape(ctx, r.ops+"/metrics", now.metrics); err != nil {
			return now, err
		}
	}
	at, checkpoints, err := s.server.Position(ctx)
	if err != nil {
		return now, err
	}
	now.wal, now.checkpoints = float64(at), checkpoints
	pids[s.postmaster] = cpuPostgres
	if err := countCPU(pids, now.cpu); err != nil {
		return now, err
	}
	return now, nil
}

// minus is what was used since before, by name.
func (s sample) minus(before sample, name string) float64 {
	return s.metrics[name] - before.metrics[name]
}

// longestPause is the longest of the last pauses of a replica's garbage collector, the one
// metric with a label that is kept: of several replicas the longest.
const longestPause = `go_gc_duration_seconds{quantile="1"}`

// scrape adds a page of metrics (Prometheus' text format) to sums, without those that
// have labels but for longestPause.
func scrape(ctx context.Context, url string, sums map[string]float64) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("read the metrics of a replica: %w", err)
	}
	defer resp.Body.Close()
	return addMetrics(resp.Body, sums)
}

func addMetrics(text io.Reader, sums map[string]float64) error {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") || strings.Contains(name, "{") && name != longestPause {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		if name == longestPause {
			v = max(0, v-sums[name])
		}
		sums[name] += v
	}
	return lines.Err()
}

// ticks is in how many parts Linux counts a second of CPU for programs (USER_HZ).
const ticks = 100

// countCPU adds up the CPU of this process, of its children by what they are, and of
// Postgres' own children, those that have ended too. It reads /proc; where there is none
// it only knows this process.
func countCPU(pids map[int]string, sums map[string]float64) error {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return fmt.Errorf("getrusage: %w", err)
	}
	sums[cpuClient] = seconds(own.Utime) + seconds(own.Stime)
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	for _, path := range all {
		p, ok := readStat(path)
		if !ok {
			continue // it has ended meanwhile
		}
		who := pids[p.pid]
		switch {
		case who == cpuPostgres:
			sums[who] += p.used + p.ended
		case who != "":
			sums[who] += p.used
		case pids[p.parent] == cpuPostgres:
			sums[cpuPostgres] += p.used
		case p.parent == os.Getpid():
			sums[cpuEtcd] += p.used
		}
	}
	return nil
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// stat is a line of /proc/<pid>/stat, see proc(5): CPU in seconds, of the process and of
// its children that have ended.
type stat struct {
	pid, parent int
	used, ended float64
}

func readStat(path string) (s stat, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, false
	}
	return parseStat(string(text))
}

func parseStat(text string) (s stat, ok bool) {
	pid, rest, ok := strings.Cut(text, " (")
	end := strings.LastIndex(rest, ") ") // a name may have brackets
	if !ok || end < 0 {
		return s, false
	}
	fields := strings.Fields(rest[end+2:]) // from the third on
	if len(fields) < 15 {
		return s, false
	}
	var n [6]int
	for i, text := range []string{pid, fields[1], fields[11], fields[12], fields[13], fields[14]} {
		var err error
		if n[i], err = strconv.Atoi(text); err != nil {
			return s, false
		}
	}
	return stat{n[0], n[1], float64(n[2]+n[3]) / ticks, float64(n[4]+n[5]) / ticks}, true
}

// peak is the most memory that a process ever had, in MB; 0 where /proc does not tell.
func peak(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kb / 1024
}
