package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"folio/internal/bench/load"
)

// column is a figure of the table.
type column struct {
	head string
	cell func(all []result, r *result) string
}

// columns are those of the table: medians of the rounds, but that checkpoints are those
// that began in any of them.
func columns() []column {
	median := func(head string, of func(round) float64) column {
		return column{head, func(_ []result, r *result) string { return three(load.Median(r.figures(of))) }}
	}
	return []column{
		{"", func(_ []result, r *result) string { return r.Side }},
		{"numbers/s", func(_ []result, r *result) string { return count(load.Median(r.figures(rate))) }},
		{"spread", func(_ []result, r *result) string {
			return fmt.Sprintf("%.0f %%", 100*load.Summarise(r.figures(rate)).Spread())
		}},
		{"× first", func(all []result, r *result) string {
			return three(load.Median(load.Ratios(r.figures(rate), all[0].figures(rate))))
		}},
		median("p50 ms", func(r round) float64 { return r.Latency.P50 * 1e3 }),
		median("p99 ms", func(r round) float64 { return r.Latency.P99 * 1e3 }),
		median("p99.9 ms", func(r round) float64 { return r.Latency.P999 * 1e3 }),
		median("allocations", func(r round) float64 { return r.Allocations }),
		median("kB", func(r round) float64 { return r.Bytes / 1e3 }),
		median("CPU µs: replicas", func(r round) float64 { return r.CPU[cpuReplicas] * 1e6 }),
		median("Postgres", func(r round) float64 { return r.CPU[cpuPostgres] * 1e6 }),
		median("etcd", func(r round) float64 { return r.CPU[cpuEtcd] * 1e6 }),
		median("client", func(r round) float64 { return r.CPU[cpuClient] * 1e6 }),
		median("WAL bytes", func(r round) float64 { return r.WAL }),
		median("peak MB", func(r round) float64 { return r.Memory }),
		median("refills", func(r round) float64 { return r.Refills }),
		median("conflicts", func(r round) float64 { return r.Conflicts }),
		{"checkpoints", func(_ []result, r *result) string {
			return count(sum(r.figures(func(r round) float64 { return r.Checkpoints })))
		}},
	}
}

// cells are the table of a scenario; the first row is the head.
func cells(results []result) [][]string {
	var head []string
	for _, c := range columns() {
		head = append(head, c.head)
	}
	rows := [][]string{head}
	for i := range results {
		if results[i].Missing != "" {
			continue
		}
		var row []string
		for _, c := range columns() {
			row = append(row, c.cell(results, &results[i]))
		}
		rows = append(rows, row)
	}
	return rows
}

// table prints the sides of a scenario, and what is to be known besides.
func (b *bench) table(results []result) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range cells(results) {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	_ = w.Flush() // into a Builder
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(b.out, "  ", strings.TrimRight(line, " \n"), "\n")
	}
	for _, line := range notes(results) {
		fmt.Fprintln(b.out, "  "+line)
	}
}

// notes are what the figures do not show.
func notes(results []result) (lines []string) {
	for _, r := range results {
		if r.Missing != "" {
			lines = append(lines, r.Side+" took no part: "+r.Missing)
		}
		if failed := sum(r.figures(func(r round) float64 { return float64(r.Failed) })); failed > 0 {
			lines = append(lines, fmt.Sprintf("%s: %.0f requests failed", r.Side, failed))
		}
		if slices.ContainsFunc(r.Rounds, func(r round) bool { return !r.kept() }) {
			lines = append(lines, r.Side+": it did not keep up with the arrivals, so its latencies say nothing")
		}
	}
	return lines
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
	for _, f := range b.failed {
		fmt.Fprintf(b.out, "  %s\n", f)
	}
	fmt.Fprintf(b.out, "took %s; load average %s\n", took.Round(time.Second), loadAverage())
	var err error
	if b.flags.Out != "" {
		err = b.write(verdicts)
	}
	if b.flags.Page != "" {
		err = errors.Join(err, b.rewrite(verdicts))
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
	all := map[string]any{
		"machine":  b.machine,
		"command":  command(),
		"date":     time.Now().UTC().Format(time.DateOnly),
		"results":  b.results,
		"verdicts": verdicts,
	}
	if len(b.failed) > 0 {
		all["failed"] = b.failed
	}
	text, err := json.MarshalIndent(all, "", "  ")
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
