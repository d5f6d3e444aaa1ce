package main

import (
	"fmt"
	"slices"

	"folio/internal/bench/contender"
)

// entrant is who takes part: folio, or another way to number and store.
type entrant struct {
	name   string
	is     string // for people
	folio  bool
	build  build  // of folio
	series string // of folio's documents
	stores bool   // leaves a row for each number
	redis  bool   // needs it
}

// build is which binary of folio.
type build int

const (
	asItIs build = iota
	unfenced
)

// The series that folio's tenants have in the benchmark.
const (
	blockSeries    = "invoice"
	strictSeries   = "gapless"
	externalSeries = "external"
)

// contenders are all entrants, folio first.
func contenders() []entrant {
	all := []entrant{
		{name: "block", is: "folio: blocks from etcd", folio: true, series: blockSeries, stores: true},
		{name: "strict", is: "folio: strict series, gapless", folio: true, series: strictSeries, stores: true},
		{name: "unfenced", is: "folio without its fence: not safe, for the cost of the fence only", folio: true, build: unfenced, series: blockSeries, stores: true},
	}
	for _, w := range contender.Ways() {
		all = append(all, entrant{name: w.Name, is: w.Is, series: blockSeries, stores: w.Stores, redis: w.Redis})
	}
	return append(all, entrant{name: copyName, is: "the same rows through COPY from one Go client, without HTTP", series: blockSeries, stores: true})
}

// copyName is the entrant that has no replicas.
const copyName = "copy"

// named finds entrants by their names.
func named(names ...string) ([]entrant, error) {
	var found []entrant
	for _, name := range names {
		i := slices.IndexFunc(contenders(), func(e entrant) bool { return e.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no contender %q; --list names them", name)
		}
		found = append(found, contenders()[i])
	}
	return found, nil
}

// database is where an entrant's documents are. All of folio share one: their ledgers are
// in one etcd.
func (e entrant) database() string {
	if e.folio {
		return "folio"
	}
	return "bench_" + e.name
}
