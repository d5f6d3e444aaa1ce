package etcdstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/internal/devcluster/etcd"
)

// bureau is several allocators that give numbers of the same series, each
// through a connection and a network of its own.
type bureau struct {
	allocators []*counter.Allocator
	stores     []*unreliableStore
	given      given
	takes      atomic.Int64
}

// A series is used for so many takes, then the next: blocks are small in the
// beginning, so the allocators keep asking the store.
const takesOfASeries = 150

func (b *bureau) series() counter.Series {
	return counter.Series{Tenant: "acme", Name: "invoice", Period: fmt.Sprint(b.takes.Load() / takesOfASeries)}
}

// reserved returns how many blocks all allocators have reserved.
func (b *bureau) reserved() int64 { return b.sum().Reserved }

func (b *bureau) sum() (all counter.Stats) {
	for _, a := range b.allocators {
		s := a.Stats()
		all.Reserved += s.Reserved
		all.Conflicts += s.Conflicts
		all.Unknown += s.Unknown
		all.Settled += s.Settled
		all.Lives += s.Lives
		all.Returned += s.Returned
	}
	return all
}

// work runs the allocators, with takers, while f runs. Then the takers stop, the
// network is good, and the allocators hand back.
func (b *bureau) work(t *testing.T, f func()) {
	t.Helper()
	running, stop := context.WithCancel(context.Background())
	taking, enough := context.WithCancel(t.Context())
	var runs, takers sync.WaitGroup
	defer runs.Wait()
	defer stop()
	defer takers.Wait()
	defer enough()
	for _, a := range b.allocators {
		runs.Go(func() {
			if err := a.Run(running); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		for range 3 {
			takers.Go(func() { b.take(taking, a) })
		}
	}
	await(timeout(t), t, "all allocators are registered", func() bool {
		return !slices.ContainsFunc(b.allocators, func(a *counter.Allocator) bool { return a.Holder() == "" })
	})
	f()
	enough()
	takers.Wait()
	for _, s := range b.stores {
		s.network.bad.Store(false)
	}
	stop()
	runs.Wait()
	for _, s := range b.stores {
		s.network.strays.Wait() // nobody sends any more
	}
}

// take takes numbers until ctx ends. Most are spent, some returned.
func (b *bureau) take(ctx context.Context, a *counter.Allocator) {
	for ctx.Err() == nil {
		s := b.series()
		callCtx, cancel := context.WithTimeout(ctx, time.Second)
		n, err := a.Take(callCtx, s)
		cancel()
		if err != nil {
			continue // not in time; what is wrong with the store is seen in the ledgers
		}
		b.takes.Add(1)
		b.given.take(s, n.Value())
		if rand.IntN(10) == 0 {
			b.given.putBack(s, n.Value())
			n.Return()
		} else {
			b.given.spend(s, n.Value())
			n.Spend()
		}
		select {
		case <-time.After(rand.N(thinkTime)):
		case <-ctx.Done():
		}
	}
}

// hire returns a bureau of three allocators on a bad network; change may spoil
// each store.
func hire(t *testing.T, cluster *etcd.Cluster, network func() fate, change func(*etcdstore.Store)) *bureau {
	t.Helper()
	space := space()
	b := &bureau{}
	for i := range 3 {
		s := openUnreliable(t, cluster.Endpoints(), space, network)
		s.network.bad.Store(true)
		change(s.Store)
		b.stores = append(b.stores, s)
		b.allocators = append(b.allocators, &counter.Allocator{Config: counter.Config{Store: s, Pod: fmt.Sprint("pod-", i)}})
	}
	return b
}

func TestNoNumberIsGivenTwiceThroughDeadLeadersAndLostReplies(t *testing.T) {
	cluster := startEtcd(t, 3)
	b := hire(t, cluster, often, func(*etcdstore.Store) {})
	a := &adversary{cluster: cluster, progress: b.reserved, step: 10}
	begun := time.Now()
	b.work(t, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		a.kill(ctx, t)
		a.pause(ctx, t)
		a.kill(ctx, t)
		await(ctx, t, "a conflict, and an unknown outcome", func() bool {
			sum := b.sum()
			return sum.Conflicts > 0 && sum.Unknown > 0
		})
	})
	sum := b.sum()
	wrong, held, forfeited := b.audit(t)
	if wrong != nil {
		t.Errorf("%d numbers are wrong:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	t.Logf("%d numbers spent, %d returned; %d blocks reserved, %d conflicts, %d unknown outcomes; %d lives, %d blocks left, %d settled, "+
		"%d numbers forfeited; leader killed %d times, paused %d times; in %s",
		b.given.numbers, sum.Returned, sum.Reserved, sum.Conflicts, sum.Unknown, sum.Lives, held, sum.Settled,
		forfeited, a.kills, a.pauses, time.Since(begun).Round(time.Millisecond))
	if a.kills == 0 || sum.Unknown == 0 || sum.Conflicts == 0 || b.given.numbers == 0 {
		t.Error("a rare state never came about: this run shows nothing")
	}
	if forfeited > 0 && sum.Settled == 0 {
		t.Errorf("%d numbers are gone although no block was settled", forfeited)
	}
}

// audit reads every ledger, when all is quiet, and holds it against what was
// given.
func (b *bureau) audit(t *testing.T) (wrong []string, held, forfeited int) {
	t.Helper()
	store := b.stores[0]
	all, err := store.List(timeout(t), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		l, _, err := store.Load(timeout(t), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", s, err))
		}
		odd, gone := b.given.account(s, l)
		wrong, held, forfeited = append(wrong, odd...), held+len(l.Held), forfeited+gone
	}
	for _, twice := range b.given.twice {
		wrong = append(wrong, "given twice: "+twice)
	}
	return wrong, held, forfeited
}

func TestTheAccountFindsAStoreThatTakesSilenceForSuccess(t *testing.T) {
	b := hire(t, startEtcd(t, 1), halfOf(unsent), func(s *etcdstore.Store) {
		s.Client.KV = &mutant{KV: s.Client.KV, commit: hopeful}
	})
	b.work(t, func() {
		await(timeout(t), t, "a number is given twice", func() bool {
			b.given.mu.Lock()
			defer b.given.mu.Unlock()
			return len(b.given.twice) > 0
		})
	})
	if wrong, _, _ := b.audit(t); wrong == nil {
		t.Error("the account is in order although numbers were given twice")
	}
}

func TestTheAccountObjectsToNumbersGivenTwice(t *testing.T) {
	free := []counter.FreeRange{{Range: counter.Range{First: 2, Last: 3}}}
	l := counter.Ledger{Mark: 4, Serial: 1, Free: free}
	g := &given{}
	for _, n := range []int64{1, 3, 5} {
		g.take(invoices, n)
		g.spend(invoices, n)
	}
	wrong, forfeited := g.account(invoices, l)
	if len(wrong) != 2 || forfeited != 1 {
		t.Errorf("3 is free, 5 was never reserved and 4 is gone; told: %q, %d gone", wrong, forfeited)
	}
	g.take(invoices, 1)
	if len(g.twice) != 1 {
		t.Errorf("1 was taken again after it was spent; told: %q", g.twice)
	}
}
