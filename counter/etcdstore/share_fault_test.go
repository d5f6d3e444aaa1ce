package etcdstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"folio/counter"
)

// afterOne is a network on which the first transaction arrives and all others have
// fate f.
func afterOne(f fate) func() fate {
	var sent atomic.Int64
	return func() fate {
		if sent.Add(1) == 1 {
			return delivered
		}
		return f
	}
}

// Of a transaction that many share all is unknown if its reply does not come, and each
// finds out by itself what became of its own.
func TestAReplyThatDoesNotComeLeavesAllWhoShareItsTransactionUnknown(t *testing.T) {
	cluster := startEtcd(t, 1)
	for name, is := range map[string]struct {
		fate fate
		then error // of the repeats
	}{
		"the reply is lost": {unanswered, counter.ErrConflict},
		"it is never sent":  {unsent, nil},
		"it strays":         {strayed, counter.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			u := openUnreliable(t, cluster.Endpoints(), space(), afterOne(is.fate))
			g := behindGate(u.Store)
			pod := g.register(t, 1)
			var all []*swapping
			for i := range 5 {
				all = append(all, first(t, pod, numbered(i)))
			}
			u.network.bad.Store(true)
			if had := g.shareSwaps(t, pod, all...); !slices.Equal(had, []int{5}) {
				t.Errorf("calls of %v operations", had)
			}
			u.network.strays.Wait()
			u.network.bad.Store(false)
			for _, w := range all {
				wantUnknown(t, w.err)
				if l, _, err := g.Load(timeout(t), w.series); err != nil || l.Equal(w.next) == (is.then == nil) {
					t.Errorf("%s is %s, %v", w.series, textOf(l), err)
				}
				if w.send(g); !errors.Is(w.err, is.then) {
					t.Errorf("the repeat for %s: %v, want %v", w.series, w.err, is.then)
				}
				if l, _, err := g.Load(timeout(t), w.series); err != nil || !l.Equal(w.next) {
					t.Errorf("%s is %s, %v", w.series, textOf(l), err)
				}
			}
		})
	}
}

// Each refill whose reply is lost finds its block: the first number of each series is 1.
func TestRefillsThatShareTransactionsFindTheirBlocksWhenRepliesAreLost(t *testing.T) {
	u := openUnreliable(t, startEtcd(t, 1).Endpoints(), space(), halfOf(unanswered))
	g := behindGate(u.Store)
	g.Share(1, 0)
	a := &counter.Allocator{Config: counter.Config{Store: u, Pod: "pod"}}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	await(timeout(t), t, "it is registered", func() bool { return a.Holder() != "" })
	u.network.bad.Store(true)
	shown := func() bool { return a.Stats().Unknown > u.network.had[unanswered].Load() && g.gate.swaps.Load() > 0 }
	for round := 0; round < 20 && !shown(); round++ {
		var taking sync.WaitGroup
		for i := range 60 {
			taking.Go(func() {
				series := numbered(60*round + i)
				n, err := a.Take(timeout(t), series)
				if err != nil || n.Value() != 1 {
					t.Errorf("%s: took %d, %v; want 1", series, n.Value(), err)
					return
				}
				n.Spend()
			})
		}
		taking.Wait()
	}
	u.network.bad.Store(false)
	t.Logf("%d swaps and %d loads shared a call; %d replies were lost, %d outcomes unknown",
		g.gate.swaps.Load(), g.gate.loads.Load(), u.network.had[unanswered].Load(), a.Stats().Unknown)
	if !shown() {
		t.Error("no reply that several waited for was lost: this run shows nothing")
	}
}

// One whose time ends while etcd says nothing ends in time, and those who share its
// transaction hear of theirs.
func TestASwapThatIsGivenUpOnItsWayHoldsUpNobody(t *testing.T) {
	cluster := startEtcd(t, 1)
	g := behindGate(open(t, cluster, 60))
	pod := g.register(t, 1)
	hasty, patient := first(t, pod, numbered(1)), first(t, pod, numbered(2))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := g.beginSwaps(t, pod)
	gaveUp := make(chan struct{})
	r.join(t, func() {
		defer close(gaveUp)
		_, hasty.err = g.SwapAt(ctx, pod, hasty.series, "", hasty.next)
	})
	r.join(t, func() { patient.send(g) })
	g.gate.refuse = func(ops int) error {
		if ops != 2 || len(g.gate.seen()) < 2 {
			return nil
		}
		cancel()
		select {
		case <-gaveUp:
		case <-time.After(5 * time.Second):
			t.Error("who gave up waits for what is on its way")
		}
		return nil
	}
	if had := r.end(); !slices.Equal(had, []int{2}) {
		t.Errorf("calls of %v operations", had)
	}
	wantUnknown(t, hasty.err)
	wantOutcome(t, g.Store, patient, nil, false)
	if l, _, err := g.Load(timeout(t), hasty.series); err != nil || !l.Equal(hasty.next) {
		t.Errorf("what was given up on its way is %s, %v", textOf(l), err)
	}
}

// The client repeats a read that no member could take, but no transaction: a load that
// shares one must not fail where a lone one would not.
func TestLoadsThatShareAReadAreRepeatedAsLoneOnesAre(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	for _, refusal := range []error{rpctypes.ErrLeaderChanged, status.Error(codes.Unavailable, "transport is closing")} {
		errs := make([]error, 2)
		load := func(i int) func() {
			return func() { _, _, errs[i] = g.Load(timeout(t), numbered(i)) }
		}
		refused := false
		g.gate.refuse = func(ops int) error {
			if ops == 1 || refused {
				return nil
			}
			refused = true
			return refusal
		}
		if had := g.share(t, func() { _, _, _ = g.Load(timeout(t), invoices) }, load(0), load(1)); !slices.Equal(had, []int{2, 2}) {
			t.Errorf("%v: reads of %v ledgers", refusal, had)
		}
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

// While no member takes it, the time of a try runs out between two attempts: then the
// next try begins, as it does for a lone load.
func TestLoadsThatShareAReadOutlastAPauseOfAllMembers(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	errs := make([]error, 2)
	load := func(i int) func() {
		return func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // a try has a second
			defer cancel()
			_, _, errs[i] = g.Load(ctx, numbered(i))
		}
	}
	var back time.Time
	g.gate.refuse = func(ops int) error {
		if ops > 1 && back.IsZero() {
			back = time.Now().Add(1500 * time.Millisecond)
		}
		if ops == 1 || time.Now().After(back) {
			return nil
		}
		return status.Error(codes.Unavailable, "transport is closing")
	}
	g.share(t, func() { _, _, _ = g.Load(timeout(t), invoices) }, load(0), load(1))
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// exceptShared lets the call go first that others wait for, and fail.
func exceptShared(ops int) error {
	if ops == 1 {
		return errors.New("not of interest")
	}
	return nil
}

// A member that takes a read and says nothing costs those who share it a third of the
// time of whoever has least: then another is asked.
func TestLoadsThatShareAReadAreAnsweredAlthoughOneMemberIsSilent(t *testing.T) {
	cluster := startEtcd(t, 3)
	g := behindGate(open(t, cluster, 60))
	silenceLeader(t, cluster, g.Store)
	met := 0
	await(timeout(t), t, "shared reads meet the silent member", func() bool {
		const within = 1500 * time.Millisecond
		errs := make([]error, 2)
		load := func(i int) func() {
			return func() {
				ctx, cancel := context.WithTimeout(t.Context(), []time.Duration{within, 20 * within}[i])
				defer cancel()
				_, _, errs[i] = g.Load(ctx, numbered(i))
			}
		}
		g.gate.refuse = exceptShared
		r := g.begin(t, func() { _, _, _ = g.Load(timeout(t), invoices) })
		begun := time.Now()
		r.join(t, load(0))
		r.join(t, load(1))
		r.end()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("a read was not answered although two members of three could: %v", err)
		}
		if time.Since(begun) >= within/3 {
			met++
		}
		return met == 2
	})
}
