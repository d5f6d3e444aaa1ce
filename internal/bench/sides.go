package main

import (
	"fmt"
	"slices"
	"time"

	"folio/internal/bench/load"
)

// many gives a side many tenants, and its rounds a warm-up of the time over which folio
// looks at a tenant's rate, ten seconds, and a little. Between its turns it hands back
// what lies idle: its blocks grow again with the rate of each tenant, which one of an
// invoice a second shows after ten. All sides are warmed up alike, those that need it
// less, too.
func (f flags) many(s *side) { s.crowd, s.warmUp = f.Tenants, 12*time.Second }

func (f flags) batches() []side {
	batch := f.base("block")
	batch.name, batch.connections = "batches of 100", 16
	batch.kind.Path, batch.kind.Batch = "/v1/invoices/batch", 100
	return []side{f.base("block"), batch, {name: "copy", entrant: "copy", kind: f.single(2), connections: 1, replicas: 1, crowd: 1}}
}

// writers are sides with so many clients that a batch cannot take all. One tenant may not
// have more than a thousand requests under way: each of a few has a quarter of that,
// however long those of one wait.
func (f flags) writers() []side {
	var sides []side
	for _, n := range []int{1, 2, 3, 8} {
		s := f.base("block")
		s.name, s.writers, s.crowd = fmt.Sprintf("block, writers: %d", n), n, min(f.Tenants, 8)
		s.connections, s.apart, s.warmUp = 250*s.crowd, true, 2*time.Second
		sides = append(sides, s)
	}
	return sides
}

func (f flags) numbers() []side {
	return f.each([]string{"none", "block"}, func(s *side) {
		s.kind = load.Kind{Path: "/v1/series/" + externalSeries + "/numbers", Body: `{"count":1}`, Series: externalSeries}
	})
}

// open are sides with arrivals at a share of what each can do, and those in the closed
// model that show what that is. The former are all warmed up alike: by the closed model
// until blocks are about as long as the rate wants them, which behind a slow etcd takes
// nine or ten refills of two round trips each, and then by arrivals.
func (f flags) open() []side {
	arriving := func(name string, share float64) side {
		s := f.base(name)
		s.name, s.share = fmt.Sprintf("%s at %.0f %%", name, 100*share), share
		s.prime, s.warmUp = 5*time.Second, time.Second
		return s
	}
	var sides []side
	for _, name := range slices.DeleteFunc(f.few(), func(n string) bool { return n == "none" }) {
		sides = append(sides, f.base(name), arriving(name, 0.5), arriving(name, 0.8))
	}
	slow := arriving("block", 0.8)
	slow.name, slow.slowEtcd = slow.name+", etcd at 100 ms", true
	// A block lasts ten seconds at the rate at which it was reserved, twelve and a half if
	// that was the best: in so long a window there is a refill.
	slow.window = 15 * time.Second
	return append(sides, slow)
}

// several are sides of several replicas. Each of n has an n-th of a tenant's rate, so it
// takes n times as long until it knows it; and what it knows makes all faster, which
// makes the rates higher. So the warm-up is two and a half times as long as what folio
// looks back over: the second ten seconds are at the rate to which the first have led.
// One replica, and strict, are warmed up alike.
//
// In one more side of each number of replicas every tenant stays at one of them, as a
// balancer with affinity has it: the i-th tenant at replica i modulo their number. The
// replicas are not loaded alike then: of a thousand tenants at three the first replica
// has two fifths of the weight, and one tenant that is a third of what it is asked for.
// But each has as many connections as the others, which send as soon as they can, so
// what it is asked for is what it can answer and not its share of the weight: tenants of
// the other two are asked for a little more than where all go anywhere. It is for
// information: no bar stands on it.
func (f flags) several() []side {
	var sides []side
	for _, name := range slices.DeleteFunc(f.few(), func(n string) bool { return n != "block" && n != "strict" }) {
		for _, n := range f.Replicas {
			s := f.base(name)
			f.many(&s)
			s.replicas, s.warmUp = n, 24*time.Second
			if n > 1 {
				s.name = fmt.Sprintf("%s × %d", name, n)
			}
			sides = append(sides, s)
			if name == "block" && n > 1 && f.Tenants >= n {
				s.name, s.affine = s.name+", each tenant at one replica", true
				sides = append(sides, s)
			}
		}
	}
	return sides
}

// profiled are the sides that are profiled, each in its most usual load.
func (f flags) profiled() []side {
	strict, crowd, three := f.base("strict"), f.base("block"), f.base("block")
	f.many(&crowd)
	f.many(&three)
	crowd.name, three.name = "block, many tenants", "block, many tenants × 3"
	three.replicas, three.warmUp = 3, 24*time.Second // as in several
	return append(f.batches()[:2], strict, crowd, three, f.base("none"))
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
