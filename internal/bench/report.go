package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"folio/internal/bench/load"
)

// table prints the sides of a scenario: medians of the rounds, and how far the rounds lie
// apart.
func (b *bench) table(results []result) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tnumbers/s\tspread\tp50 ms\tp99 ms\tp99.9 ms\tallocations\tkB\tCPU µs: replicas\tPostgres\tetcd\tclient\tWAL bytes\tMB\trefills\tconflicts\t")
	for i := range results {
		r := &results[i]
		if r.Missing != "" {
			continue
		}
		rates := load.Summarise(r.figures(rate))
		cells := []string{r.Side, count(rates.Median), fmt.Sprintf("%.0f %%", 100*rates.Spread())}
		for _, column := range []func(round) float64{
			func(r round) float64 { return r.Latency.P50 * 1e3 },
			func(r round) float64 { return r.Latency.P99 * 1e3 },
			func(r round) float64 { return r.Latency.P999 * 1e3 },
			func(r round) float64 { return r.Allocations },
			func(r round) float64 { return r.Bytes / 1e3 },
			func(r round) float64 { return r.CPU[cpuReplicas] * 1e6 },
			func(r round) float64 { return r.CPU[cpuPostgres] * 1e6 },
			func(r round) float64 { return r.CPU[cpuEtcd] * 1e6 },
			func(r round) float64 { return r.CPU[cpuClient] * 1e6 },
			func(r round) float64 { return r.WAL },
			func(r round) float64 { return r.Memory },
			func(r round) float64 { return r.Refills },
			func(r round) float64 { return r.Conflicts },
		} {
			cells = append(cells, three(load.Median(r.figures(column))))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	_ = w.Flush() // into a Builder
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(b.out, "  ", strings.TrimRight(line, " \n"), "\n")
	}
	for _, r := range results {
		if r.Missing != "" {
			fmt.Fprintf(b.out, "  %s took no part: %s\n", r.Side, r.Missing)
		}
		if unsent := sum(r.figures(func(r round) float64 { return float64(r.Unsent) })); unsent > 0 {
			fmt.Fprintf(b.out, "  %s: %.0f requests were due and never sent\n", r.Side, unsent)
		}
	}
}

func sum(values []float64) (all float64) {
	for _, v := range values {
		all += v
	}
	return all
}

// report prints the bars, writes the files, and tells whether the guard held.
func (b *bench) report(took time.Duration) error {
	verdicts := judge(b.results)
	fmt.Fprintln(b.out, "\nratios, by the median of the rounds:")
	for _, v := range verdicts {
		v.print(b.out)
	}
	fmt.Fprintf(b.out, "took %s; load average %s\n", took.Round(time.Second), loadAverage())
	var err error
	if b.flags.Out != "" {
		err = b.write(verdicts)
	}
	if b.flags.Quick && slices.ContainsFunc(verdicts, func(v verdict) bool { return !v.Guarded }) {
		err = errors.Join(err, errGuard)
	}
	return err
}

// write writes bench.json and the drawings.
func (b *bench) write(verdicts []verdict) error {
	if err := os.MkdirAll(b.flags.Out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{
		"machine":  map[string]any{"cores": runtime.NumCPU(), "system": runtime.GOOS + "/" + runtime.GOARCH, "go": runtime.Version()},
		"command":  strings.Join(append([]string{"bench"}, os.Args[1:]...), " "),
		"date":     time.Now().UTC().Format(time.DateOnly),
		"results":  b.results,
		"verdicts": verdicts,
	}, "", "  ")
	if err != nil {
		return err
	}
	files := map[string]string{"bench.json": string(text) + "\n"}
	for name, d := range b.drawings() {
		files[name] = d.SVG()
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(b.flags.Out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// count writes a whole number with a comma between thousands.
func count(v float64) string {
	text := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// three writes a number with three digits, or all that it has before the point.
func three(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return count(v)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// loadAverage is what the machine does besides, where it tells.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
