package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"folio/counter/etcdstore"
)

// etcdSide is what is asked of etcd.
type etcdSide struct {
	p       *Patient
	client  *etcdstore.Examination
	refused error // why there is no client
	members *later[[]answer]
	speed   *later[time.Duration]
}

// answer is what a member said, or why it did not.
type answer struct {
	endpoint string
	etcdstore.Member
	took time.Duration
	err  error
	dial error // its port does not open
}

func newEtcd(p *Patient) *etcdSide {
	e := &etcdSide{p: p, members: newLater[[]answer](), speed: newLater[time.Duration]()}
	e.client, e.refused = p.Etcd.Examine(context.Background(), p.Endpoints)
	return e
}

func (e *etcdSide) close() {
	if e.client != nil {
		_ = e.client.Close() // nothing hangs on it
	}
}

func (e *etcdSide) checks() []check {
	return []check{
		{"etcd", "endpoint", e.endpoints},
		one("etcd", "version", e.of(version)),
		one("etcd", "leader", e.of(leader)),
		one("etcd", "alarms", e.of(alarms)),
		{"etcd", "quota", e.quotas},
		one("etcd", "access", e.access),
		one("etcd", "latency", e.latency),
	}
}

// ask asks every member.
func (e *etcdSide) ask(ctx context.Context) ([]answer, error) {
	if e.refused != nil {
		return nil, e.refused
	}
	_, first := e.latencyOf(ctx) // a first call gets the token that the others show
	all := make([]answer, len(e.p.Endpoints))
	var asking sync.WaitGroup
	for i, endpoint := range e.p.Endpoints {
		asking.Go(func() { all[i] = e.askOne(ctx, endpoint) })
	}
	asking.Wait()
	for i, a := range all {
		if errors.Is(a.err, context.DeadlineExceeded) && first != nil {
			all[i].err = first // it has waited longer, and may say why
		}
	}
	return all, nil
}

// askOne asks one member, in parts of the bound: so the check has time left to tell that
// there was no answer.
func (e *etcdSide) askOne(ctx context.Context, endpoint string) answer {
	a := answer{endpoint: endpoint}
	conn, err := (&net.Dialer{Timeout: e.p.Within / 4}).DialContext(ctx, "tcp", hostPort(endpoint))
	if err != nil {
		a.dial = err
		return a
	}
	_ = conn.Close()
	asking, cancel := context.WithTimeout(ctx, e.p.Within/4)
	defer cancel()
	begun := time.Now()
	a.Member, a.err = e.client.Member(asking, endpoint)
	a.took = time.Since(begun)
	if a.err != nil {
		shaking, cancel := context.WithTimeout(ctx, e.p.Within/8)
		defer cancel()
		a.err = cmp.Or(e.client.Handshake(shaking, hostPort(endpoint)), a.err)
	}
	return a
}

// answered are the members that did.
func (e *etcdSide) answered(ctx context.Context) ([]answer, error) {
	all, err := e.members.get(ctx, e.ask)
	all = slices.DeleteFunc(slices.Clone(all), func(a answer) bool { return a.err != nil || a.dial != nil })
	if err == nil && len(all) == 0 {
		err = errors.New("no member answers")
	}
	return all, err
}

// of makes a check of what the members that answered say.
func (e *etcdSide) of(judge func([]answer) Finding) func(context.Context) Finding {
	return func(ctx context.Context) Finding {
		all, err := e.answered(ctx)
		if err != nil {
			return unknown("not asked: " + err.Error())
		}
		return judge(all)
	}
}

// endpoints: an endpoint of which others are left is a warning.
func (e *etcdSide) endpoints(ctx context.Context) (found []Finding) {
	if e.refused != nil {
		return []Finding{fault(e.refused.Error(), "correct the settings FOLIO_ETCD_…, or put the files where they say")}
	}
	all, err := e.members.get(ctx, e.ask)
	if err != nil {
		return []Finding{fault(err.Error(), "see whether etcd's addresses are right, and its members run")}
	}
	wrong := fault
	if slices.ContainsFunc(all, func(a answer) bool { return a.err == nil && a.dial == nil }) {
		wrong = warning
	}
	for _, a := range all {
		f := ok(fmt.Sprintf("version %s, %s, answers in %s", a.Version, a.role(), short(a.took)))
		var noName *net.DNSError
		switch {
		case errors.As(a.dial, &noName):
			f = unknown("not asked: its name does not resolve, see dns")
		case a.dial != nil:
			f = wrong("not reached: "+a.dial.Error(), "see whether that member runs and the address is right; a NetworkPolicy or firewall between may drop it")
		case a.err != nil:
			f = wrong("reached, but gives no answer: "+a.err.Error(), whyNoAnswer(a.err))
		}
		found = append(found, f.on(a.endpoint))
	}
	return found
}

// whyNoAnswer says what to do about a member that opens its port and then says nothing
// good.
func whyNoAnswer(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "authentication failed"), strings.Contains(text, "user name is empty"), strings.Contains(text, "invalid auth token"):
		return "give the user and the password that etcd knows (FOLIO_ETCD_USER, FOLIO_ETCD_PASSWORD_FILE), or the certificate of a user (FOLIO_ETCD_CERT)"
	case strings.Contains(text, "certificate"), strings.Contains(text, "tls:"), strings.Contains(text, "handshake"):
		return "compare the certificates: FOLIO_ETCD_CA has to be who signed etcd's, which has to name this address; and etcd has to trust who signed FOLIO_ETCD_CERT"
	}
	return "see whether that member runs well, and whether it speaks TLS while FOLIO_ETCD_CA and FOLIO_ETCD_CERT are not set, or the other way round"
}

func (a answer) role() string {
	switch a.Leader {
	case 0:
		return "follows nobody"
	case a.ID:
		return "leads"
	}
	return "follows"
}

// hostPort is an endpoint without its scheme, and without a user: one that has a user is
// refused, and its name is looked up all the same.
func hostPort(endpoint string) string {
	if _, after, is := strings.Cut(endpoint, "://"); is {
		endpoint = after
	}
	endpoint = endpoint[strings.LastIndex(endpoint, "@")+1:]
	if _, _, err := net.SplitHostPort(endpoint); err != nil {
		return net.JoinHostPort(endpoint, "2379")
	}
	return endpoint
}

func short(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
