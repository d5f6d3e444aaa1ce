package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"folio/internal/plot"
)

const (
	begin = "<!-- bench:begin -->\n"
	end   = "<!-- bench:end -->"
)

// rewrite makes the tables of a page anew.
func (b *bench) rewrite(verdicts []verdict) error {
	next, err := rewritten(b.flags.Page, b.markdown(verdicts))
	if err != nil {
		return err
	}
	return os.WriteFile(b.flags.Page, []byte(next), 0o644)
}

// rewritten is a page with text between the markers.
func rewritten(page, text string) (string, error) {
	old, err := os.ReadFile(page)
	if err != nil {
		return "", err
	}
	next, err := plot.Between(string(old), begin, end, text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", page, err)
	}
	return next, nil
}

// markdown is all that a page has of a run.
func (b *bench) markdown(verdicts []verdict) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Measured on %s with `%s`: %s; client, replicas, etcd and Postgres on the same machine.\n\n",
		time.Now().UTC().Format("2 January 2006"), command(), b.machine)
	rows := [][]string{{"ratio, by the median of the rounds", "median", "least", "most", "rounds", "bar", ""}}
	for _, v := range verdicts {
		bound, word := v.words()
		rows = append(rows, []string{v.Bar, three(v.Ratio.Median), three(v.Ratio.Least), three(v.Ratio.Most), fmt.Sprint(v.Ratio.Rounds), bound, word})
	}
	writeMarkdown(&text, rows)
	for _, f := range b.failed {
		fmt.Fprintf(&text, "\n%s.\n", upperFirst(f.String()))
	}
	for _, s := range b.played {
		var results []result
		for _, r := range b.results {
			if r.Scenario == s.name {
				results = append(results, r)
			}
		}
		fmt.Fprintf(&text, "\n### %s\n\nMedians of %d rounds of %s in turn, checkpoints of all; costs are for each number.\n\n", upperFirst(s.title), s.rounds, s.round)
		writeMarkdown(&text, cells(results))
		for _, line := range notes(results) {
			fmt.Fprintf(&text, "\n%s.\n", upperFirst(line))
		}
	}
	return text.String()
}

func command() string { return strings.Join(append([]string{"bench"}, os.Args[1:]...), " ") }

// writeMarkdown aligns the first column left and all others right.
func writeMarkdown(w *strings.Builder, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			w.WriteString("|---" + strings.Repeat("|---:", len(row)-1) + "|\n")
		}
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
