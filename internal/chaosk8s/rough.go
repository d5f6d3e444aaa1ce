package main

import (
	"context"
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
		{fault{Name: "etcd's leader killed", Want: 1}, s.killLeader},
		{fault{Name: "a member of etcd lost its volume and joined anew", Want: 1}, s.loseVolume},
		{fault{Name: "etcd restarted member by member, as an upgrade does", Want: 1}, s.rollEtcd},
		{fault{Name: "Postgres deleted and started again", Want: 1}, s.restartPostgres},
		{fault{Name: "Postgres' first process killed", Want: 1, Left: missing(s.f.Kill, "K8S_KILL")}, s.killPostgres},
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
