package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"folio/internal/plot"
)

const (
	begin = "<!-- chaos-k8s:begin -->\n"
	end   = "<!-- chaos-k8s:end -->"
)

// rewrite puts the table of a run into a page.
func rewrite(page, table string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	next, err := plot.Between(string(old), begin, end, table)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(next), 0o644)
}

// table is a run as Markdown.
func table(r record, broken []string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, Kubernetes %s, one node: from nothing to ready in %s, the whole run %s.\n\n",
		upperFirst(time.Now().UTC().Format("2 January 2006")), r.Server, short(r.Cold), short(time.Duration(r.Seconds*float64(time.Second))))
	text.WriteString("| fault | times | acknowledged meanwhile | failed once / more often | seen | voids | verdict |\n|---|---:|---:|---:|---|---|---|\n")
	for _, f := range r.Faults {
		if f.Left != "" {
			fmt.Fprintf(&text, "| %s | | | | left out: %s | | |\n", f.Name, f.Left)
			continue
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %d / %d | %s | %s | %s |\n",
			f.Name, f.Times, f.Acknowledged, f.Once, f.Twice, strings.Join(seen(f, r), "; "), reasons(f.Voids), verdict(f.Name, broken))
	}
	text.WriteString("\n| part of the run | acknowledged | hammer | issued | void | held | free | unaccounted | held by the gone | verdict |\n|---|---:|---|---:|---|---:|---:|---:|---:|---|\n")
	for i, a := range r.Audits {
		var l load
		if i < len(r.Loads) {
			l = r.Loads[i]
		}
		says := "all promises held"
		if !l.Held {
			says = "**broken**"
		}
		fmt.Fprintf(&text, "| %s | %d | %s | %d | %s | %d | %d | %d | %d | %s |\n", a.Name, l.Acknowledged, says, a.Issued, reasons(a.Voids),
			a.Held, a.Free, a.Unaccounted, len(a.Gone), verdict("audit after "+a.Name, broken))
	}
	return text.String()
}

// seen is what the table tells of a fault.
func seen(f fault, r record) []string {
	all := slices.Clone(f.Notes)
	all = append(all, settled(f, false, "died", r)...)
	all = append(all, settled(f, true, "deleted by force", r)...)
	if h := f.Handing; h != (handing{}) {
		all = append(all, fmt.Sprintf("%d ledgers freed and the pod gone in %s of its %s", h.Ledgers, short(h.Took), h.Grace))
	}
	all = append(all, visits(f)...)
	all = append(all, jobs(f)...)
	if u := f.Upgrade; u != nil {
		all = append(all, fmt.Sprintf("%s → %s", u.From, u.To))
	}
	return append(all, f.Wrong...)
}

// settled tells of the holders that ended in one way; nothing if none did.
func settled(f fault, forced bool, how string, r record) []string {
	least, most, holders, blocks := time.Duration(0), time.Duration(0), 0, 0
	for _, l := range f.Lost {
		if l.Forced != forced {
			continue
		}
		if holders == 0 || l.Settled < least {
			least = l.Settled
		}
		most, holders, blocks = max(most, l.Settled), holders+1, blocks+l.Blocks
	}
	if holders == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s %s holding %d blocks, settled within %s to %s (bound: %s)",
		plural(holders, "holder", "holders"), how, blocks, short(least), short(most), r.TTL+settleSlack)}
}

func verdict(where string, broken []string) string {
	for _, b := range broken {
		if strings.HasPrefix(b, where+": ") {
			return "**broken**"
		}
	}
	return "held"
}

func reasons(voids map[string]int64) string {
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(voids)) {
		if voids[reason] > 0 {
			all = append(all, fmt.Sprintf("%d %s", voids[reason], reason))
		}
	}
	if len(all) == 0 {
		return "0"
	}
	return strings.Join(all, ", ")
}

func short(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
