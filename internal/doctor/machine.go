package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"folio/invoices"
)

// slowName is how long a look-up may take before it is worth a word: each new connection
// waits for one.
const slowName = time.Second

// dns resolves every name that the settings have.
func (p *Patient) dns() check {
	return check{"dns", "resolve", func(ctx context.Context) []Finding {
		names := p.names()
		found := make([]Finding, len(names))
		var all sync.WaitGroup
		for i, name := range names {
			all.Go(func() { found[i] = p.resolve(ctx, name).on(name) })
		}
		all.Wait()
		if len(found) == 0 {
			return []Finding{ok("the settings have addresses only")}
		}
		return found
	}}
}

// names are those of the endpoints and of the database URL, without addresses. That the
// URL cannot be read is told by who connects.
func (p *Patient) names() (names []string) {
	for _, e := range p.Endpoints {
		if host, _, err := net.SplitHostPort(hostPort(e)); err == nil {
			names = append(names, host)
		}
	}
	if hosts, err := invoices.Hosts(p.Postgres); err == nil {
		names = append(names, hosts...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return net.ParseIP(name) != nil })
}

func (p *Patient) resolve(ctx context.Context, name string) Finding {
	begun := time.Now()
	addresses, err := p.Resolve(ctx, name)
	switch took := time.Since(begun); {
	case err != nil:
		return fault(err.Error(), "see whether the name is right, and the Service or record exists; in a pod, whether it may reach the cluster's DNS (port 53)")
	case took > slowName:
		return warning(fmt.Sprintf("%d addresses in %s", len(addresses), short(took)), "see the cluster's DNS: each new connection waits for it")
	default:
		return ok(fmt.Sprintf("%d addresses in %s", len(addresses), short(took)))
	}
}

// podName: the names of holders begin with it.
func (p *Patient) podName(context.Context) Finding {
	if p.PodName == "" {
		return warning("not set: holders bear the name of the host", "set POD_NAME to the pod's name (fieldRef metadata.name), so that the books tell which pod held a number")
	}
	return ok(p.PodName)
}
