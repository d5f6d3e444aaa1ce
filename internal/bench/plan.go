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
	share       float64       // of the best throughput, at which the open model arrives; 0: the closed model
	slowEtcd    bool          // etcd takes 100 ms
	writers     int           // of folio's batches; 0: as it sets it itself
	grown       bool          // on the stack that has grown
	warmUp      time.Duration // besides the one that all have
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
		if f.WarmUp > 0 {
			s.warmUp = f.WarmUp
		}
		if s.rounds < 1 || s.warmUp < 0 || s.round <= 0 || f.Tenants < 1 || f.Pool < 1 {
			return nil, fmt.Errorf("--rounds, --round, --tenants and --pool want to be above zero")
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

// quick are the scenarios of the regression guard.
func (f flags) quick() []scenario {
	const round, warmUp = time.Second, 500 * time.Millisecond
	crowd := func(s *side) { s.crowd = f.Tenants }
	return []scenario{
		{"hot", "one hot tenant, 256 connections", f.each([]string{"none", "block", "strict", "sequence", "row-lock"}, nil), 2, round, warmUp},
		{"crowd", "many tenants (Zipf), 256 connections", f.each([]string{"block", "strict"}, crowd), 2, round, warmUp},
		{"batch", "batches of 100 beside single posts", f.batches()[:2], 2, round, warmUp},
		{"numbers", "numbers of documents that live elsewhere", f.numbers(), 2, round, warmUp},
		{"alone", "one connection, nothing else running", f.each([]string{"block", "insert"}, func(s *side) { s.connections = 1 }), 2, round, warmUp},
	}
}

// full are all scenarios.
func (f flags) full() []scenario {
	const round, warmUp = 4 * time.Second, time.Second
	all := []scenario{
		{"hot", "one hot tenant, 256 connections", f.each(f.wide(), nil), 4, round, warmUp},
		{"crowd", "many tenants (Zipf), 256 connections", f.each(f.wide(), f.many), 3, round, warmUp},
		{"batch", "batches of 100 beside single posts", f.batches(), 5, round, warmUp},
		{"numbers", "numbers of documents that live elsewhere", f.numbers(), 5, round, warmUp},
		{"alone", "one connection, nothing else running", f.each([]string{"block", "insert"}, func(s *side) { s.connections = 1 }), 7, 3 * time.Second, warmUp},
		{"open", "a fixed arrival rate: shares of each one's best throughput", f.open(), 3, 6 * time.Second, warmUp},
		{"replicas", "several replicas, many tenants", f.several(), 4, round, warmUp},
		{"fence", "with and without the fence, in pairs", f.each([]string{"block", "unfenced"}, nil), 10, 3 * time.Second, warmUp},
	}
	for _, n := range f.Connections {
		if n != 256 {
			all = append(all, scenario{fmt.Sprintf("hot-%d", n), fmt.Sprintf("one hot tenant, %d connections", n),
				f.each(f.wide(), func(s *side) { s.connections = n }), 2, 3 * time.Second, warmUp})
		}
	}
	for _, n := range f.Lines {
		if n != 2 {
			all = append(all, scenario{fmt.Sprintf("lines-%d", n), fmt.Sprintf("one hot tenant, invoices of %d lines", n),
				f.each(f.few(), func(s *side) { s.kind = f.single(n) }), 3, 3 * time.Second, warmUp})
		}
	}
	return append(all,
		scenario{"writers", "batches that are written side by side, more clients than a batch takes", f.writers(), 4, 3 * time.Second, warmUp},
		scenario{profiling, "where the time of a replica goes", f.profiled(), 1, 5 * time.Second, warmUp},
		scenario{"statements", "what Postgres says of each statement (pg_stat_statements)", f.each(f.wide(), nil), 1, round, warmUp},
		scenario{"growth", "a database that has grown beside an empty one", f.growth(), 3, round, warmUp})
}

// many gives a side many tenants. Between its turns folio hands back what lies idle:
// its blocks grow again with the rate of each tenant, which a tenant of one invoice a
// second shows after ten.
func (f flags) many(s *side) {
	s.crowd = f.Tenants
	if s.entrant == "block" {
		s.warmUp = 12 * time.Second
	}
}

func (f flags) batches() []side {
	batch := f.base("block")
	batch.name, batch.connections = "batches of 100", 16
	batch.kind.Path, batch.kind.Batch = "/v1/invoices/batch", 100
	return []side{f.base("block"), batch, {name: "copy", entrant: "copy", kind: f.single(2), connections: 1, replicas: 1, crowd: 1}}
}

// writers are sides with so many clients that a batch cannot take all: of a few
// tenants, for one may not have more than a thousand requests under way.
func (f flags) writers() []side {
	var sides []side
	for _, n := range []int{1, 2, 3, 8} {
		s := f.base("block")
		s.name, s.writers, s.connections, s.crowd = fmt.Sprintf("block, writers: %d", n), n, 2000, 8
		sides = append(sides, s)
	}
	return sides
}

func (f flags) numbers() []side {
	return f.each([]string{"none", "block"}, func(s *side) {
		s.kind = load.Kind{Path: "/v1/series/" + externalSeries + "/numbers", Body: `{"count":1}`, Series: externalSeries}
	})
}

func (f flags) open() []side {
	var sides []side
	for _, name := range slices.DeleteFunc(f.few(), func(n string) bool { return n == "none" }) {
		for _, share := range []float64{0, 0.5, 0.8} {
			s := f.base(name)
			if s.share = share; share > 0 {
				s.name = fmt.Sprintf("%s at %.0f %%", name, 100*share)
			}
			sides = append(sides, s)
		}
	}
	slow := f.base("block")
	slow.name, slow.share, slow.slowEtcd = "block at 80 %, etcd at 100 ms", 0.8, true
	slow.warmUp = 4 * time.Second // until its blocks are as long as the rate wants them
	return append(sides, slow)
}

func (f flags) several() []side {
	var sides []side
	for _, name := range slices.DeleteFunc(f.few(), func(n string) bool { return n != "block" && n != "strict" }) {
		for _, n := range f.Replicas {
			s := f.base(name)
			f.many(&s)
			s.replicas = n
			if n > 1 {
				s.name = fmt.Sprintf("%s × %d", name, n)
			}
			sides = append(sides, s)
		}
	}
	return sides
}

// profiled are the sides that are profiled, each in its most usual load.
func (f flags) profiled() []side {
	strict, crowd := f.base("strict"), f.base("block")
	f.many(&crowd)
	crowd.name = "block, many tenants"
	return append(f.batches()[:2], strict, crowd, f.base("none"))
}

func (f flags) growth() []side {
	empty, grown, all := f.base("block"), f.base("block"), f.base("block")
	f.many(&empty)
	f.many(&grown)
	f.many(&all)
	grown.crowd, all.crowd = min(f.Tenants, f.GrownCrowd), f.GrownCrowd
	grown.name, grown.grown = "block, grown", true
	all.name, all.grown = "block, grown, all tenants", true
	return []side{empty, grown, all}
}
