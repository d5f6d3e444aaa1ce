package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"folio/internal/forecast"
	"folio/internal/plot"
)

const (
	begin = "<!-- forecast:begin -->\n"
	end   = "<!-- forecast:end -->"
)

// rewrite replaces what stands between the markers of a page.
func rewrite(page, tables string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	next, err := replace(string(text), tables)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(next), 0o644)
}

func replace(text, tables string) (string, error) { return plot.Between(text, begin, end, tables) }

// tables writes everything between the markers.
func tables(c forecast.Crowd, all []sizes, left []rests, crowds []crowd) string {
	var b strings.Builder
	b.WriteString("### One series on one replica\n\n")
	b.WriteString(sizesTable(all))
	fmt.Fprintf(&b, "\n### What %s requests within a second leave on %d replicas\n\n", count(forecast.BurstRequests), forecast.BurstReplicas)
	b.WriteString(restTable(left))
	fmt.Fprintf(&b, "\n### %s tenants on %d replicas, %s invoices a second\n\n", count(int64(c.Tenants)), c.Replicas, count(int64(c.PerSecond)))
	b.WriteString(crowdTable(crowds))
	b.WriteString("\nBy the tenant's rate, a tenant's requests going to any replica:\n\n")
	b.WriteString(classTable(crowds[0]))
	return b.String()
}

func sizesTable(all []sizes) string {
	t := table{{"traffic", "rule", "held at the worst moment", "held on the mean", "lost by a kill", "transactions", "requests that waited"}}
	for _, s := range all {
		for i, c := range s.curves {
			name := ""
			if i == 0 {
				name = fmt.Sprintf("%s (%s, %s requests)", s.Name, length(s.Long), count(c.Requests))
			}
			t = append(t, []string{name, c.Rule, count(c.Most), count(int64(c.Mean + 0.5)), lost(c), count(c.Fetches), count(c.Waits)})
		}
	}
	return t.markdown()
}

func restTable(all []rests) string {
	t := table{{"after it, a request every", "time since", "numbers held", "places out of order since the row above, most"}}
	for _, r := range all {
		for i, l := range r.left {
			name := ""
			if i == 0 {
				name = length(r.gap)
			}
			t = append(t, []string{name, length(l.After), count(l.Held), count(l.Distance)})
		}
	}
	return t.markdown()
}

// lost is what nobody ever gets when the replica is killed: of a rule that settles
// nothing, all that is held at that moment.
func lost(c forecast.Curve) string {
	if c.Returns {
		return "none: settled"
	}
	return fmt.Sprintf("up to %s, %s on the mean", count(c.Most), count(int64(c.Mean+0.5)))
}

// crowdTable has a row for each figure and a column for each way to serve.
func crowdTable(crowds []crowd) string {
	head := []string{"a tenant's requests go to"}
	for _, c := range crowds {
		head = append(head, c.name)
	}
	t := table{head}
	for _, row := range crowdRows {
		cells := []string{row.name}
		for _, c := range crowds {
			cells = append(cells, row.value(c.Forecast, c.Total()))
		}
		t = append(t, cells)
	}
	return t.markdown()
}

var crowdRows = []struct {
	name  string
	value func(f forecast.Forecast, t forecast.Class) string
}{
	{"transactions a second", func(f forecast.Forecast, t forecast.Class) string { return count(int64(f.Rate(t.Swaps))) }},
	{"… for each invoice", func(_ forecast.Forecast, t forecast.Class) string { return ratio(t.Swaps, t.Numbers) }},
	{"… that met another's and were repeated", func(_ forecast.Forecast, t forecast.Class) string {
		return percent(t.Conflicts / t.Swaps)
	}},
	{"reads of ledgers a second", func(f forecast.Forecast, t forecast.Class) string { return count(int64(f.Rate(float64(t.Reads)))) }},
	{"looks into Postgres for a floor, a second", func(f forecast.Forecast, t forecast.Class) string { return count(int64(f.Rate(float64(t.Floors)))) }},
	{"reads a second to look for dead holders", func(f forecast.Forecast, _ forecast.Class) string { return count(int64(f.SweepReads())) }},
	{"values sent in transactions", func(f forecast.Forecast, t forecast.Class) string { return size(f.Rate(float64(t.Sent))) + "/s" }},
	{"values written (revisions until compaction)", func(f forecast.Forecast, t forecast.Class) string { return size(f.Rate(float64(t.Stored))) + "/s" }},
	{"requests that waited for etcd", func(f forecast.Forecast, _ forecast.Class) string { return percent(f.Waited) }},
	{"… how long: median, p99, most", func(f forecast.Forecast, _ forecast.Class) string {
		return fmt.Sprintf("%s, %s, %s", millis(f.WaitMedian), millis(f.WaitP99), millis(f.WaitMost))
	}},
	{"numbers held: mean, most", func(f forecast.Forecast, _ forecast.Class) string {
		return count(int64(f.HeldMean)) + ", " + count(f.HeldMost)
	}},
	{"blocks in ledgers", func(f forecast.Forecast, _ forecast.Class) string { return count(int64(f.Store.Blocks)) }},
	{"… of which spent", func(f forecast.Forecast, _ forecast.Class) string {
		return percent(float64(f.Store.Spent) / float64(f.Store.Blocks))
	}},
	{"etcd's content: ledgers", func(f forecast.Forecast, _ forecast.Class) string { return size(float64(f.Store.LedgerBytes)) }},
	{"… index of who holds", func(f forecast.Forecast, _ forecast.Class) string {
		return fmt.Sprintf("%s keys, %s", count(int64(f.Store.Index)), size(float64(f.Store.IndexBytes)))
	}},
	{"largest ledger: blocks, value", func(_ forecast.Forecast, t forecast.Class) string {
		return fmt.Sprintf("%d, %s", t.HeldMost, size(float64(t.ValueMost)))
	}},
	{"a replica dies: blocks to settle, mean", func(f forecast.Forecast, _ forecast.Class) string { return count(int64(f.Death.Blocks)) }},
	{"… numbers in them: mean, most", func(f forecast.Forecast, _ forecast.Class) string {
		return count(f.Death.Numbers) + ", " + count(f.Death.NumbersMost)
	}},
}

// classTable has a row for each range of rates.
func classTable(c crowd) string {
	t := table{{"invoices a second of the tenant", "tenants", "transactions for each", "bytes sent for each", "value: mean, most", "blocks, most", "places out of order: mean, p99, most"}}
	for _, k := range c.Classes {
		if k.Numbers == 0 {
			continue
		}
		t = append(t, []string{
			fmt.Sprintf("%s – %s", rate(k.From), rate(k.To)), count(int64(k.Tenants)),
			ratio(k.Swaps, k.Numbers), size(float64(k.Sent) / float64(k.Numbers)),
			size(k.ValueMean) + ", " + size(float64(k.ValueMost)), count(int64(k.HeldMost)),
			fmt.Sprintf("%s, %s, %s", places(k.DistanceMean), count(k.DistanceP99), count(k.DistanceMost)),
		})
	}
	return t.markdown()
}

func length(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%g h", d.Hours())
	case d < time.Minute:
		return fmt.Sprintf("%g s", d.Seconds())
	}
	return fmt.Sprintf("%g min", d.Minutes())
}
