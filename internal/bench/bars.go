package main

import (
	"fmt"
	"io"
	"slices"

	"folio/internal/bench/load"
)

// bar is a ratio that folio is to reach. It is taken of two sides of one scenario, round
// by round.
type bar struct {
	says     string
	scenario string
	of, per  string // sides
	what     func(round) float64
	perWhat  func(round) float64 // nil: the same
	atLeast  float64             // 0: none; with no bound at all the ratio is told only
	atMost   float64             // 0: none
	aim      float64             // 0: none
	one      bool                // the figure itself of one side, no ratio
	refilled bool                // of a round without a refill it says nothing
}

// slack is how far a server may be behind its arrivals at the end of a round, in seconds:
// beyond it, it does not keep up with them, and what its latencies are says nothing.
const slack = 0.25

// kept reports whether a round kept up with its arrivals.
func (r round) kept() bool {
	return r.Arrivals == 0 || float64(r.Behind+r.Unsent)/r.Arrivals <= slack
}

// guard is the share of a bar under which a quick run fails.
const guard = 0.7

func rate(r round) float64   { return r.Numbers }
func p50(r round) float64    { return r.Latency.P50 }
func p999(r round) float64   { return r.Latency.P999 }
func memory(r round) float64 { return r.Memory }
func conflicts(r round) float64 {
	if r.Refills == 0 {
		return 0
	}
	return r.Conflicts / r.Refills
}

// bars are those of the project.
func bars() []bar {
	return []bar{
		{says: "block by the row-lock counter", scenario: "hot", of: "block", per: "row-lock", what: rate, atLeast: 20, aim: 30},
		{says: "block by the sequence", scenario: "hot", of: "block", per: "sequence", what: rate, atLeast: 2.5, aim: 3},
		{says: "block by the handler without a database", scenario: "hot", of: "block", per: "none", what: rate, atLeast: 0.4, aim: 0.6},
		{says: "strict by the row-lock counter", scenario: "hot", of: "strict", per: "row-lock", what: rate, atLeast: 15},
		{says: "strict by block, many tenants", scenario: "crowd", of: "strict", per: "block", what: rate, atLeast: 0.6},
		{says: "batches of 100 by single posts", scenario: "batch", of: "batches of 100", per: "block", what: rate, atLeast: 1.5},
		{says: "COPY by batches of 100", scenario: "batch", of: "copy", per: "batches of 100", what: rate},
		{says: "WAL bytes of an invoice by a single row's", scenario: "hot", of: "block", per: "insert", what: func(r round) float64 { return r.WAL }},
		{says: "numbers by the handler without a database", scenario: "numbers", of: "block", per: "none", what: rate, atLeast: 0.45},
		{says: "alone: median time by a bare insert's", scenario: "alone", of: "block", per: "insert", what: p50, atMost: 1.3},
		{says: "p99.9 by p50 at 80 % load", scenario: "open", of: "block at 80 %", per: "block at 80 %", what: p999, perWhat: p50, atMost: 5},
		{says: "… with etcd at 100 ms", scenario: "open", of: "block at 80 %, etcd at 100 ms", per: "block at 80 %, etcd at 100 ms", what: p999, perWhat: p50, atMost: 5, refilled: true},
		{says: "three replicas by one, many tenants", scenario: "replicas", of: "block × 3", per: "block", what: rate, atLeast: 0.9},
		{says: "… conflicts in etcd per refill", scenario: "replicas", of: "block × 3", one: true, what: conflicts, atMost: 0.05},
		{says: "… each tenant at one replica", scenario: "replicas", of: "block × 3, each tenant at one replica", per: "block", what: rate},
		{says: "with the fence by without", scenario: "fence", of: "block", per: "unfenced", what: rate, atLeast: 0.95},
		{says: "memory of a replica, MB", scenario: "hot", of: "block", one: true, what: memory, atMost: 150},
		{says: "… with many tenants", scenario: "crowd", of: "block", one: true, what: memory, atMost: 150},
		{says: "grown by empty", scenario: "growth", of: "block, grown", per: "block", what: rate, atLeast: 0.8},
	}
}

// verdict is what a run says of a bar.
type verdict struct {
	Bar      string       `json:"bar"`
	Scenario string       `json:"scenario"`
	Ratio    load.Summary `json:"ratio"` // of the rounds; the median counts
	AtLeast  float64      `json:"at_least,omitzero"`
	AtMost   float64      `json:"at_most,omitzero"`
	Aim      float64      `json:"aim,omitzero"`
	Met      bool         `json:"met"`
	Overrun  bool         `json:"overrun,omitzero"`  // it did not keep up with its arrivals
	Unfilled bool         `json:"unfilled,omitzero"` // a round had no refill
	Guarded  bool         `json:"guarded"`           // not under the guard
}

// judge judges the bars of which the run has the sides.
func judge(results []result) []verdict {
	var all []verdict
	for _, b := range bars() {
		of, per := find(results, b.scenario, b.of), find(results, b.scenario, b.per)
		if of == nil || per == nil && !b.one {
			continue
		}
		all = append(all, b.judge(of, per))
	}
	return all
}

func (b bar) judge(of, per *result) verdict {
	values := of.figures(b.what)
	if !b.one {
		below := b.perWhat
		if below == nil {
			below = b.what
		}
		values = load.Ratios(values, per.figures(below))
	}
	v := verdict{Bar: b.says, Scenario: b.scenario, Ratio: load.Summarise(values), AtLeast: b.atLeast, AtMost: b.atMost, Aim: b.aim}
	m := v.Ratio.Median
	measured := v.Ratio.Rounds > 0
	v.Overrun = slices.ContainsFunc(of.Rounds, func(r round) bool { return !r.kept() })
	v.Unfilled = b.refilled && slices.ContainsFunc(of.Rounds, func(r round) bool { return r.Refills == 0 })
	switch {
	case v.Overrun || v.Unfilled: // neither met nor guarded
	case b.atLeast == 0 && b.atMost == 0:
		v.Met, v.Guarded = true, true
	case b.atLeast > 0:
		v.Met, v.Guarded = measured && m >= b.atLeast, measured && m >= guard*b.atLeast
	default:
		v.Met, v.Guarded = measured && m <= b.atMost, measured && m <= b.atMost/guard
	}
	return v
}

// words are the bar of a verdict, and whether it is met.
func (v verdict) words() (bound, word string) {
	switch {
	case v.AtLeast > 0:
		bound = fmt.Sprintf("at least %g", v.AtLeast)
	case v.AtMost > 0:
		bound = fmt.Sprintf("at most %g", v.AtMost)
	}
	if v.Aim > 0 {
		bound += fmt.Sprintf(", aim %g", v.Aim)
	}
	switch {
	case v.Overrun:
		return bound, "MISSED: it did not keep up with the arrivals"
	case v.Unfilled:
		return bound, "MISSED: a round had no refill"
	case bound == "":
		return "", ""
	case v.Met:
		return bound, "MET"
	case !v.Guarded:
		return bound, "MISSED, under the guard"
	}
	return bound, "MISSED"
}

// print writes a verdict as a line.
func (v verdict) print(w io.Writer) {
	bound, word := v.words()
	fmt.Fprintf(w, "  %-44s %8s (%s to %s in %d rounds)  %-20s %s\n", v.Bar,
		three(v.Ratio.Median), three(v.Ratio.Least), three(v.Ratio.Most), v.Ratio.Rounds, bound, word)
}
