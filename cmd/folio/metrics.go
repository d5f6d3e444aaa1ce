package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"folio/counter"
)

// ranks bounds metrics of single series: the greatest of them, each by its place and not
// by its name, so that neither tenants nor series make labels. Which series has the place
// folio ledger tells.
const ranks = 10

// allocatorCollector shows an allocator's Stats as metrics.
type allocatorCollector struct {
	allocator *counter.Allocator
	figures   []figure
	blocks    *prometheus.Desc
	held      *prometheus.Desc
}

// figure is one metric and where its value comes from.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(counter.Stats) int64
}

func allocatorMetrics(a *counter.Allocator) prometheus.Collector {
	c := &allocatorCollector{allocator: a,
		blocks: prometheus.NewDesc("folio_blocks", "Blocks that this replica holds: open, numbers can be taken; waiting, all are taken and not all have a row; spent, all have one; leaving, being handed back.", []string{"state"}, nil),
		held:   prometheus.NewDesc("folio_series_held_numbers", "Numbers in the blocks that this replica holds of one series, of the ten with most; rank 1 has most.", []string{"rank"}, nil),
	}
	add := func(kind prometheus.ValueType, name, help string, of func(counter.Stats) int64) {
		c.figures = append(c.figures, figure{prometheus.NewDesc("folio_"+name, help, nil, nil), kind, of})
	}
	total, now := prometheus.CounterValue, prometheus.GaugeValue
	add(total, "holders_registered_total", "Lives this replica has had; more than one means that it was lost or fenced.", func(s counter.Stats) int64 { return s.Lives })
	add(total, "blocks_reserved_total", "Blocks reserved from etcd.", func(s counter.Stats) int64 { return s.Reserved })
	add(total, "blocks_settled_total", "Blocks of dead holders settled by this replica.", func(s counter.Stats) int64 { return s.Settled })
	add(total, "numbers_taken_total", "Numbers taken from the shelves, each time one was.", func(s counter.Stats) int64 { return s.Taken })
	add(total, "numbers_spent_total", "Numbers whose row is stored.", func(s counter.Stats) int64 { return s.Spent })
	add(total, "numbers_returned_total", "Numbers taken and given back.", func(s counter.Stats) int64 { return s.Returned })
	add(total, "numbers_doubtful_total", "Numbers whose fate was unknown when their request ended.", func(s counter.Stats) int64 { return s.Doubtful })
	add(total, "swap_conflicts_total", "Swaps that found the ledger changed.", func(s counter.Stats) int64 { return s.Conflicts })
	add(total, "swap_unknown_total", "Swaps whose outcome had to be found out.", func(s counter.Stats) int64 { return s.Unknown })
	add(total, "takes_waited_total", "Takes that had to wait for a refill, in the present life.", func(s counter.Stats) int64 { return s.Waits })
	add(total, "marks_raised_total", "Ledgers that were missing or behind what is known to be used: etcd was restored or edited.", func(s counter.Stats) int64 { return s.Raised })
	add(now, "series_in_memory", "Series this replica has a shelf for.", func(s counter.Stats) int64 { return s.Series })
	add(now, "numbers_left", "Numbers on the shelves of this replica.", func(s counter.Stats) int64 { return s.Left })
	return c
}

// Describe implements prometheus.Collector.
func (c *allocatorCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		ch <- f.desc
	}
	ch <- c.blocks
	ch <- c.held
}

// Collect implements prometheus.Collector.
func (c *allocatorCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.allocator.Stats()
	for _, f := range c.figures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.of(s)))
	}
	now := func(d *prometheus.Desc, v int64, label string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), label)
	}
	now(c.blocks, s.Blocks.Open, "open")
	now(c.blocks, s.Blocks.Waiting, "waiting")
	now(c.blocks, s.Blocks.Spent, "spent")
	now(c.blocks, s.Blocks.Leaving, "leaving")
	var most [ranks]int64
	c.allocator.EachSeries(func(one counter.SeriesStats) bool {
		rank(most[:], one.Held)
		return true
	})
	for i, held := range most {
		now(c.held, held, strconv.Itoa(i+1))
	}
}

// rank puts v among the greatest values, which are in falling order.
func rank(most []int64, v int64) {
	for i := range most {
		if v > most[i] {
			v, most[i] = most[i], v
		}
	}
}
