package etcdstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"folio/counter"
	"folio/internal/devcluster/etcd"
)

// trial is one swap, of the first block of a series, whose reply never comes.
type trial struct {
	cluster *etcd.Cluster
	space   string
	network *unreliable
	store   counter.Store // behind network
	next    counter.Ledger
}

// begin registers a holder through the given members.
func begin(t *testing.T, cluster *etcd.Cluster, endpoints ...string) *trial {
	t.Helper()
	space := space()
	s := openUnreliable(t, endpoints, space, nil)
	c := &client{store: s}
	c.register(timeout(t), t)
	next, _, err := counter.Ledger{}.Reserve(counter.Want{Holder: c.holder(), Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	return &trial{cluster: cluster, space: space, network: s.network, store: s, next: next}
}

func (x *trial) swap() error {
	ctx, cancel := context.WithTimeout(context.Background(), callFor)
	defer cancel()
	return x.store.Swap(ctx, "pod-0.1", invoices, "", x.next)
}

// swapWith sends the swap through a network on which it has fate f.
func (x *trial) swapWith(t *testing.T, f fate) {
	t.Helper()
	x.network.draw = always(f)
	x.network.bad.Store(true)
	wantUnknown(t, x.swap())
	x.network.bad.Store(false)
}

func wantUnknown(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, counter.ErrConflict) || errors.Is(err, counter.ErrLost) {
		t.Fatalf("swap: %v, want an unknown outcome", err)
	}
}

// happened says whether the swap took effect, as the given members tell it.
func (x *trial) happened(t *testing.T, endpoints ...string) bool {
	t.Helper()
	s := openAt(t, endpoints, x.space, 60)
	var got counter.Ledger
	await(timeout(t), t, "the ledger is read", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), callFor)
		defer cancel()
		l, _, err := s.Load(ctx, invoices)
		got = l
		return err == nil
	})
	if !got.Equal(x.next) && !got.Equal(counter.Ledger{}) {
		t.Fatalf("the ledger is %s: neither the old nor the new", textOf(got))
	}
	return got.Equal(x.next)
}

// TestAnUnknownOutcomeIsToldAsSuch shows for each way in which a reply can fail
// to come that the store says neither yes nor no, and what is true then.
func TestAnUnknownOutcomeIsToldAsSuch(t *testing.T) {
	cluster := startEtcd(t, 3)
	for name, show := range map[string]func(*testing.T, *etcd.Cluster){
		"a swap whose reply is lost took effect, and its repeat is a conflict": lostReply,
		"a swap that was never sent did not, and its repeat does":              lostRequest,
		"a swap that strays takes effect later":                                strayRequest,
		"a swap whose reply is lost outlives its leader":                       lostReplyDeadLeader,
		"a swap that only its leader knows dies with it":                       diesWithItsLeader,
		"a swap that only its leader knows takes effect when others come":      waitsInItsLeader,
	} {
		t.Run(name, func(t *testing.T) { show(t, cluster) })
	}
}

func lostReply(t *testing.T, cluster *etcd.Cluster) {
	x := begin(t, cluster, cluster.Endpoints()...)
	x.swapWith(t, unanswered)
	if !x.happened(t, cluster.Endpoints()...) {
		t.Fatal("a swap that was executed is not there")
	}
	if err := x.swap(); !errors.Is(err, counter.ErrConflict) {
		t.Fatalf("its repeat: %v, want ErrConflict", err)
	}
}

func lostRequest(t *testing.T, cluster *etcd.Cluster) {
	x := begin(t, cluster, cluster.Endpoints()...)
	x.swapWith(t, unsent)
	if x.happened(t, cluster.Endpoints()...) {
		t.Fatal("a swap that was never sent is there")
	}
	if err := x.swap(); err != nil {
		t.Fatalf("its repeat: %v", err)
	}
}

func strayRequest(t *testing.T, cluster *etcd.Cluster) {
	x := begin(t, cluster, cluster.Endpoints()...)
	x.swapWith(t, strayed)
	await(timeout(t), t, "the stray swap takes effect", func() bool { return x.happened(t, cluster.Endpoints()...) })
}

func lostReplyDeadLeader(t *testing.T, cluster *etcd.Cluster) {
	leader := awaitLeader(timeout(t), t, cluster, nil)
	x := begin(t, cluster, cluster.Endpoints()...)
	x.swapWith(t, unanswered)
	killAll(t, leader)
	awaitLeader(timeout(t), t, cluster, leader)
	if !x.happened(t, endpoints(others(cluster, leader))...) {
		t.Fatal("what a majority had stored died with its leader")
	}
	startAll(t, leader)
	if !x.happened(t, leader.Endpoint()) {
		t.Fatal("the member that was killed does not know what the others do")
	}
}

func diesWithItsLeader(t *testing.T, cluster *etcd.Cluster) {
	leader := awaitLeader(timeout(t), t, cluster, nil)
	x := begin(t, cluster, leader.Endpoint())
	rest := others(cluster, leader)
	killAll(t, rest...)
	wantUnknown(t, x.swap())
	killAll(t, leader)
	startAll(t, rest...)
	if x.happened(t, endpoints(rest)...) {
		t.Fatal("a swap that no living member knows is there")
	}
	startAll(t, leader)
	if x.happened(t, leader.Endpoint()) {
		t.Fatal("what died with its leader came back with it")
	}
	await(timeout(t), t, "its repeat takes effect", func() bool {
		err := x.swap()
		return err == nil || x.happened(t, cluster.Endpoints()...)
	})
}

// waitsInItsLeader: the store cannot know it, but such a swap may still come. One of
// the others comes back first: two could choose a leader without the one that knows.
// A leader without the others soon stops to take swaps, so it may need some tries.
func waitsInItsLeader(t *testing.T, cluster *etcd.Cluster) {
	for range 5 {
		leader := awaitLeader(timeout(t), t, cluster, nil)
		x := begin(t, cluster, leader.Endpoint())
		rest := others(cluster, leader)
		killAll(t, rest...)
		wantUnknown(t, x.swap())
		startAll(t, rest[0])
		happened := x.happened(t, leader.Endpoint(), rest[0].Endpoint())
		startAll(t, rest[1:]...)
		if happened {
			return
		}
		t.Log("the leader had not taken the swap: once more")
	}
	t.Error("no swap ever took effect after its outcome was unknown: this shows nothing")
}

func others(c *etcd.Cluster, not *etcd.Member) (all []*etcd.Member) {
	for _, m := range c.Members() {
		if m != not {
			all = append(all, m)
		}
	}
	return all
}

func endpoints(members []*etcd.Member) (all []string) {
	for _, m := range members {
		all = append(all, m.Endpoint())
	}
	return all
}

// onAll does f to all members side by side: none is ready before most are there.
func onAll(t *testing.T, members []*etcd.Member, f func(*etcd.Member) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(members))
	for i, m := range members {
		wg.Go(func() { errs[i] = f(m) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func killAll(t *testing.T, members ...*etcd.Member) {
	t.Helper()
	onAll(t, members, (*etcd.Member).Kill)
}

func startAll(t *testing.T, members ...*etcd.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	onAll(t, members, func(m *etcd.Member) error { return m.Start(ctx) })
}
