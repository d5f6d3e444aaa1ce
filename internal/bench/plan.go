package main

import (
	"fmt"
	"slices"
	"time"

	"folio/internal/bench/load"
)

// side is one of those who take turns in a scenario.
type side struct {
	name        string // in the table and for the bars: the entrant's, or with what is special
	entrant     string
	kind        load.Kind
	connections int
	replicas    int
	crowd       int           // tenants
	apart       bool          // each connection keeps to one of them, as many to each
	affine      bool          // each of them stays at one replica, see several
	share       float64       // of the best throughput, at which the open model arrives; 0: the closed model
	slowEtcd    bool          // etcd takes 100 ms
	writers     int           // of folio's batches; 0: as it sets it itself
	grown       bool          // on the stack that has grown
	prime       time.Duration // before the open model: so long each connection sends as soon as it can
	warmUp      time.Duration // besides the one that all have
	window      time.Duration // 0: as all have
}

// scenario is some sides that take turns.
type scenario struct {
	name   string
	title  string
	sides  []side
	rounds int
	round  time.Duration
	warmUp time.Duration
}

// single is a request for one invoice.
func (f flags) single(lines int) load.Kind {
	return load.Kind{Path: "/v1/invoices", Lines: lines, NoKey: f.NoKeys}
}

// base is a side as most are: one hot tenant, many connections, one replica, two lines.
func (f flags) base(entrant string) side {
	return side{name: entrant, entrant: entrant, kind: f.single(2), connections: 256, replicas: 1, crowd: 1}
}

// each makes a side of each entrant.
func (f flags) each(entrants []string, change func(*side)) []side {
	var sides []side
	for _, name := range entrants {
		s := f.base(name)
		if change != nil {
			change(&s)
		}
		sides = append(sides, s)
	}
	return sides
}

// plan is what the command line asks for.
func plan(f flags) ([]scenario, error) {
	all := f.full()
	if f.Quick {
		all = f.quick()
	}
	if len(f.Only) > 0 {
		for _, name := range f.Only {
			if !slices.ContainsFunc(all, func(s scenario) bool { return s.name == name }) {
				return nil, fmt.Errorf("there is no scenario %q; --list names them", name)
			}
		}
		all = slices.DeleteFunc(all, func(s scenario) bool { return !slices.Contains(f.Only, s.name) })
	}
	if _, err := named(f.Contenders...); err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		if f.Rounds > 0 {
			s.rounds = f.Rounds
		}
		if f.Round > 0 {
			s.round = f.Round
		}
		for j := range s.sides {
			one := &s.sides[j]
			if f.Round > 0 {
				one.window = 0
			}
			if f.WarmUp > 0 {
				one.prime, one.warmUp = min(one.prime, f.WarmUp), 0
			}
		}
		if f.WarmUp > 0 {
			s.warmUp = f.WarmUp
		}
		if s.rounds < 1 || s.warmUp < 0 || s.round <= 0 || f.Tenants < 1 || f.Pool < 1 || f.Recycle < 0 {
			return nil, fmt.Errorf("--rounds, --round, --tenants and --pool want to be above zero, and --recycle not below")
		}
	}
	return all, nil
}

// wide are the entrants of the scenarios in which all take part.
func (f flags) wide() []string {
	names := []string{"none", "block", "strict", "insert", "sequence", "redis", "cte", "max", "row-lock", "etcd"}
	if len(f.Contenders) > 0 {
		names = slices.DeleteFunc(names, func(n string) bool {
			return n != "block" && n != "strict" && !slices.Contains(f.Contenders, n)
		})
	}
	return names
}

// few are the entrants of the scenarios in which a few are enough.
func (f flags) few() []string {
	return slices.DeleteFunc(f.wide(), func(n string) bool {
		return !slices.Contains([]string{"none", "block", "strict", "sequence", "row-lock"}, n)
	})
}

// tenants is how many there are. For a quick run they are so few that within a second and
// a half each has taken so many numbers that its blocks are long: with a thousand there
// would be no time for that, and block would be compared cold.
func (f flags) tenants() int {
	if f.Quick {
		return min(f.Tenants, 50)
	}
	return f.Tenants
}

// quick are the scenarios of the regression guard.
func (f flags) quick() []scenario {
	const round, warmUp = time.Second, 500 * time.Millisecond
	crowd := func(s *side) { s.crowd, s.warmUp = f.tenants(), time.Second }
	return []scenario{
		{"hot", "one hot tenant, 256 connections", f.each([]string{"none", "block", "strict", "sequence", "row-lock"}, nil), 2, round, warmUp},
		{"crowd", "some tenants (Zipf), 256 connections", f.each([]string{"block", "strict"}, crowd), 2, round, warmUp},
		{"batch", "batches of 100 beside single posts", f.batches()[:2], 2, round, warmUp},
		{"numbers", "numbers of documents that live elsewhere", f.numbers(), 2, round, warmUp},
		{"alone", "one connection, nothing else running", f.each([]string{"block", "insert"}, func(s *side) { s.connections = 1 }), 2, round, warmUp},
	}
}

// full are all scenarios.
func (f flags) full() []scenario {
	const round, warmUp = 4 * time.Second, time.Second
	all := []scenario{
		{"hot", "one hot tenant, 256 connections", f.each(f.wide(), nil), 3, round, warmUp},
		{"crowd", "many tenants (Zipf), 256 connections", f.each(f.wide(), f.many), 2, round, warmUp},
		{"batch", "batches of 100 beside single posts", f.batches(), 3, round, warmUp},
		{"numbers", "numbers of documents that live elsewhere", f.numbers(), 3, round, warmUp},
		{"alone", "one connection, nothing else running", f.each([]string{"block", "insert"}, func(s *side) { s.connections = 1 }), 5, 3 * time.Second, warmUp},
		{"open", "a fixed arrival rate: shares of each one's best throughput", f.open(), 2, 6 * time.Second, warmUp},
		{"replicas", "several replicas, many tenants", f.several(), 2, round, warmUp},
		{"fence", "with and without the fence, in pairs", f.each([]string{"block", "unfenced"}, nil), 10, 3 * time.Second, warmUp},
	}
	for _, n := range f.Connections {
		if n != 256 {
			all = append(all, scenario{fmt.Sprintf("hot-%d", n), fmt.Sprintf("one hot tenant, %d connections", n),
				f.each(f.wide(), func(s *side) { s.connections = n }), 1, 3 * time.Second, warmUp})
		}
	}
	for _, n := range f.Lines {
		if n != 2 {
			all = append(all, scenario{fmt.Sprintf("lines-%d", n), fmt.Sprintf("one hot tenant, invoices of %d lines", n),
				f.each(f.few(), func(s *side) { s.kind = f.single(n) }), 2, 3 * time.Second, warmUp})
		}
	}
	return append(all,
		scenario{"writers", "batches that are written side by side, more clients than a batch takes", f.writers(), 3, 3 * time.Second, warmUp},
		scenario{profiling, "where the time of a replica goes", f.profiled(), 1, 5 * time.Second, warmUp},
		scenario{"statements", "what Postgres says of each statement (pg_stat_statements)", f.each(f.wide(), nil), 1, round, warmUp},
		scenario{"growth", "a database that has grown beside an empty one", f.growth(), 2, round, warmUp})
}
