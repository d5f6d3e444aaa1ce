package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"folio/counter/etcdstore"
)

// version: releases before 3.5.5 lose writes or diverge (etcd's issues 13766 and 14571),
// and folio is tested with 3.6 and later only.
func version(all []answer) Finding {
	lowest := all[0].Version
	for _, a := range all {
		if numbers(a.Version) < numbers(lowest) {
			lowest = a.Version
		}
	}
	switch n := numbers(lowest); {
	case n < numbers("3.5.5"):
		return fault(lowest+", which may lose what it acknowledged", "upgrade etcd, one minor version at a time, to 3.6 or later")
	case n < numbers("3.6.0"):
		return warning(lowest+", with which folio is not tested", "upgrade etcd to 3.6 or later")
	}
	return ok(lowest)
}

// numbers makes a version comparable; 0 if it is none.
func numbers(version string) (n int) {
	plain, _, _ := strings.Cut(version, "-")
	for _, part := range append(strings.Split(plain, "."), "0", "0")[:3] {
		one, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n*1000 + one
	}
	return n
}

// leader: all members are of one cluster, which has a leader.
func leader(all []answer) Finding {
	var lost []string
	for _, a := range all {
		if a.Cluster != all[0].Cluster {
			return fault(fmt.Sprintf("%s is of another cluster than %s", a.endpoint, all[0].endpoint),
				"name the members of one cluster in FOLIO_ETCD_ENDPOINTS: numbers of two would be given twice")
		}
		if a.Leader == 0 {
			lost = append(lost, a.endpoint)
		}
	}
	switch {
	case len(lost) == len(all):
		return fault("there is none", "start members until more than half of them run")
	case len(lost) > 0:
		return warning(strings.Join(lost, ", ")+" knows of none", "see whether that member reaches the others at their peer addresses")
	}
	return ok("there is one")
}

func alarms(all []answer) Finding {
	var kinds []string
	for _, a := range all {
		kinds = append(kinds, a.Alarms...)
	}
	slices.Sort(kinds)
	switch kinds = slices.Compact(kinds); {
	case len(kinds) == 0:
		return ok("none")
	case slices.Contains(kinds, "NOSPACE"):
		return fault(strings.Join(kinds, ", ")+": etcd refuses all writes",
			"compact and defragment (or raise --quota-backend-bytes), then: etcdctl alarm disarm")
	}
	return fault(strings.Join(kinds, ", "), "see etcd's documentation of that alarm; CORRUPT: replace the member that is, from the others")
}

// quotas: at its quota etcd refuses all writes.
func (e *etcdSide) quotas(ctx context.Context) (found []Finding) {
	all, err := e.answered(ctx)
	if err != nil {
		return []Finding{unknown("not asked: " + err.Error())}
	}
	for _, a := range all {
		found = append(found, quota(a.Member).on(a.endpoint))
	}
	return found
}

const nearlyFull = 70 // percent, as the alert says

func quota(m etcdstore.Member) Finding {
	if m.Quota <= 0 {
		return unknown(fmt.Sprintf("%s used; etcd tells its quota since 3.6 only", inBytes(m.Size)))
	}
	seen := fmt.Sprintf("%s of %s used, %s of it free inside", inBytes(m.Size), inBytes(m.Quota), inBytes(m.Size-m.InUse))
	switch {
	case m.Size*100 < m.Quota*nearlyFull:
		return ok(seen)
	case m.InUse*100 < m.Quota*nearlyFull:
		return warning(seen, "defragment this member: etcdctl defrag")
	}
	return warning(seen, "see that etcd compacts (--auto-compaction-retention), then defragment, or raise --quota-backend-bytes")
}

func inBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// access: folio's user may touch /folio/, and should not touch everything. What else it may
// is not asked: there is no end of keys.
func (e *etcdSide) access(ctx context.Context) Finding {
	if _, err := e.answered(ctx); err != nil {
		return unknown("not asked: " + err.Error())
	}
	r, err := e.client.Rights(ctx)
	if err != nil {
		return unknown(err.Error())
	}
	as := e.p.Etcd
	named := as.Cert != "" || as.User != "" || as.UserFile != ""
	switch {
	case !r.Asked && named:
		return warning("a user or a certificate is set, but etcd asks nobody who they are: whoever reaches it may touch everything",
			"folio guard, once, with the certificate of etcd's root")
	case !r.Asked:
		return ok("etcd asks nobody who they are, and folio names no user")
	case !r.Folio:
		return fault("this user may not write /folio/", "folio guard, with the certificate of etcd's root, or etcdctl role grant-permission")
	case r.Everything:
		return warning("this user may read everything, not /folio/ only", "give folio a user of its own: folio guard, and FOLIO_ETCD_CERT or FOLIO_ETCD_USER of that")
	}
	return ok("this user may touch /folio/, and not everything")
}

func (e *etcdSide) latencyOf(ctx context.Context) (time.Duration, error) {
	return e.speed.get(ctx, func(ctx context.Context) (time.Duration, error) {
		if e.refused != nil {
			return 0, e.refused
		}
		ctx, cancel := context.WithTimeout(ctx, e.p.Within/4)
		defer cancel()
		return e.client.Latency(ctx)
	})
}

func (e *etcdSide) latency(ctx context.Context) Finding {
	took, err := e.latencyOf(ctx)
	if _, none := e.answered(ctx); none != nil {
		return unknown("not asked: " + none.Error())
	}
	switch {
	case err != nil:
		return fault("a linearizable read fails: "+err.Error(), "start members until more than half of them run")
	case took > 200*time.Millisecond:
		return warning("the quickest of five linearizable reads took "+short(took).String(), "see etcd's disks and the network between its members: each number waits for it at some time")
	}
	return ok("the quickest of five linearizable reads took " + short(took).String())
}

// leaseTTL: signs of life are given three times in the life of a lease.
func (e *etcdSide) leaseTTL(ctx context.Context) Finding {
	ttl := e.p.LeaseTTL
	switch {
	case ttl < time.Second || ttl%time.Second != 0:
		return fault(ttl.String(), "set FOLIO_LEASE_TTL to whole seconds, at least one; 10s is the default")
	case ttl < 3*time.Second:
		return warning(ttl.String()+", which an election of etcd's leader outlasts", "set FOLIO_LEASE_TTL to 10s")
	case ttl > time.Minute:
		return warning(ttl.String()+": so long the numbers of a replica that died are used by nobody", "set FOLIO_LEASE_TTL to 10s")
	}
	took, err := e.latencyOf(ctx)
	switch {
	case err != nil:
		return unknown(ttl.String() + "; how fast etcd answers is not known")
	case took > ttl/10:
		return warning(fmt.Sprintf("%s, while etcd takes %s to answer", ttl, short(took)), "make etcd faster, or FOLIO_LEASE_TTL longer: three signs of life have to fit in")
	}
	return ok(ttl.String())
}
