package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// rough plants what kills, cuts and restarts.
func (s *scene) rough(ctx context.Context) error {
	if err := s.startTraffic("kills, stores, a cut"); err != nil {
		return err
	}
	if _, err := s.c.kubectl(ctx, "scale", "deployment/folio", "--replicas=3"); err != nil {
		return err
	}
	if err := s.c.settled(ctx, "folio", 3); err != nil {
		return err
	}
	for _, f := range []struct {
		fault
		do func(context.Context, *fault) error
	}{
		{fault{Name: "pods killed " + midBlock, Want: kills}, s.kill},
		{fault{Name: "a pod cut from etcd " + midBlock + ", longer than its lease, and healed", Want: 1, Left: missing(s.f.Net, "K8S_NET")}, s.cut},
		{fault{Name: "etcd's leader killed", Want: 1}, s.steady(s.killLeader)},
		{fault{Name: "a member of etcd lost its volume and joined anew", Want: 1}, s.loseVolume},
		{fault{Name: "etcd upgraded member by member, after a snapshot", Want: 1, Left: s.sameEtcd()}, s.upgradeEtcd},
		{fault{Name: "etcd defragmented, and a snapshot taken, by their CronJobs", Want: 2}, s.upkeep},
		{fault{Name: "Postgres deleted and started again", Want: 1}, s.steady(s.restartPostgres)},
		{fault{Name: "Postgres' first process killed", Want: 1, Left: missing(s.f.Kill, "K8S_KILL")}, s.steady(s.killPostgres)},
		{fault{Name: "folio doctor asked in each pod, after all of that", Want: 3}, s.doctor},
	} {
		if f.Left != "" {
			s.c.say("%s: left out: %s", f.Name, f.Left)
			s.r.Faults = append(s.r.Faults, f.fault)
			continue
		}
		if err := s.plant(ctx, f.fault, f.do); err != nil {
			return err
		}
		if f.Name == "pods killed "+midBlock && s.f.Kill == "" {
			s.r.Faults = append(s.r.Faults, fault{Name: "SIGKILL of a pod's first process", Left: missing("", "K8S_KILL")})
		}
	}
	return s.conclude(ctx, false)
}

func missing(given, variable string) string {
	if given == "" {
		return variable + " is not set"
	}
	return ""
}

// probing is how long it takes at the most until a readiness probe that fails has a pod taken
// for not ready: 2 × 2 s, and as much again.
const probing = 8 * time.Second

// steady is a fault that all replicas feel, under which each stays ready: what is away is away
// for all of them, and the Service would have nobody left to answer.
func (s *scene) steady(do func(context.Context, *fault) error) func(context.Context, *fault) error {
	return func(ctx context.Context, f *fault) error {
		if err := s.c.settled(ctx, "folio", 3); err != nil {
			return err
		}
		var fewest atomic.Int64
		fewest.Store(3)
		watching, stop := context.WithCancel(ctx)
		var watched sync.WaitGroup
		watched.Go(func() { s.fewestReady(watching, &fewest) })
		err := do(ctx, f)
		done := time.Now()
		_ = s.c.until(ctx, 2*probing, "a probe that failed is seen", func() bool { return fewest.Load() < 3 || time.Since(done) > probing })
		stop()
		watched.Wait()
		f.Notes = append(f.Notes, fmt.Sprintf("never fewer than %d of 3 replicas ready", fewest.Load()))
		if fewest.Load() < 3 {
			f.Wrong = append(f.Wrong, "a replica was not ready, although what was away was so for all")
		}
		return err
	}
}
