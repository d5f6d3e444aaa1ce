package etcdstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
	"folio/internal/devcluster/etcd"
)

// seeds is how often each property is shown through losses.
const seeds = 2

func TestOneMemberKeepsTheContract(t *testing.T) {
	cluster := startEtcd(t, 1)
	countertest.TestStore(t, func(t testing.TB) counter.Store { return open(t, cluster, 60) })
}

// TestAStoreThatSharesCallsKeepsTheContract makes one call of a kind at a time: whoever
// comes meanwhile shares the next.
func TestAStoreThatSharesCallsKeepsTheContract(t *testing.T) {
	cluster := startEtcd(t, 1)
	countertest.TestStore(t, func(t testing.TB) counter.Store {
		s := open(t, cluster, 60)
		s.Share(1, time.Hour)
		return s
	})
	countertest.TestStoreThroughLosses(t, seeds, func(t testing.TB, seed uint64) counter.Store {
		s := openLossy(t, cluster, seed)
		s.Share(1, time.Hour)
		return s
	})
}

func TestThreeMembersKeepTheContract(t *testing.T) {
	cluster := startEtcd(t, 3)
	countertest.TestStore(t, func(t testing.TB) counter.Store { return open(t, cluster, 60) })
}

// openLossy returns a store of its own behind a network that loses what a seed says.
func openLossy(t testing.TB, cluster *etcd.Cluster, seed uint64) *unreliableStore {
	t.Helper()
	s := openUnreliable(t, cluster.Endpoints(), space(), through(&countertest.Network{Seed: seed}))
	s.network.whole = true
	s.network.bad.Store(true)
	return s
}

func TestOneMemberKeepsTheContractThroughLosses(t *testing.T) {
	cluster := startEtcd(t, 1)
	countertest.TestStoreThroughLosses(t, seeds, func(t testing.TB, seed uint64) counter.Store {
		return openLossy(t, cluster, seed)
	})
}

func TestThreeMembersKeepTheContractThroughLosses(t *testing.T) {
	cluster := startEtcd(t, 3)
	countertest.TestStoreThroughLosses(t, seeds, func(t testing.TB, seed uint64) counter.Store {
		return openLossy(t, cluster, seed)
	})
}

// TestThreeMembersKeepTheContractThroughDeadLeadersAndLosses shows the suite again
// and again, while leaders are killed and paused, with other losses each time.
func TestThreeMembersKeepTheContractThroughDeadLeadersAndLosses(t *testing.T) {
	cluster := startEtcd(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	var begun atomic.Int64 // properties
	var showing sync.WaitGroup
	defer showing.Wait()
	defer cancel()
	enough := make(chan struct{})
	showing.Go(func() {
		for round := uint64(1); ctx.Err() == nil; round++ {
			t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
				countertest.TestStoreThroughLosses(t, seeds, func(t testing.TB, seed uint64) counter.Store {
					begun.Add(1)
					return openLossy(t, cluster, seeds*round+seed)
				})
			})
			select {
			case <-enough:
				return
			default:
			}
		}
	})
	a := &adversary{cluster: cluster, progress: begun.Load, step: 4}
	a.kill(ctx, t)
	a.pause(ctx, t)
	a.kill(ctx, t)
	a.kill(ctx, t)
	close(enough)
	showing.Wait()
	t.Logf("%d properties shown; leader killed %d times, paused %d times", begun.Load(), a.kills, a.pauses)
}

func TestTheSuiteObjectsToEachMutantOfTheStore(t *testing.T) {
	cluster := startEtcd(t, 1)
	for name, is := range map[string]struct {
		change func(*mutant)
		want   string // part of the objection; "": none
	}{
		"it repeats a write and believes the second answer": {func(m *mutant) { m.commit = retrying },
			`the ledger has changed", but the ledger`},
		"it takes silence for a conflict": {func(m *mutant) { m.commit = despairing },
			`the ledger has changed", but the ledger`},
		"it takes silence for success": {func(m *mutant) { m.commit = hopeful },
			"told that the ledger"},
		"it writes the index in a second step": {func(m *mutant) { m.apart = true }, "hold"},
		"it reads from memory":                 {func(m *mutant) { m.stale = true }, "told "},
		"it does not compare the value":        {func(m *mutant) { m.compare = blind }, "want ErrConflict"},
		"it does not compare the value of those who share a transaction": {func(m *mutant) { m.shared = blind },
			"got <nil>, want the ledger has changed"},
		"it does not compare the holder of those who share a transaction": {func(m *mutant) { m.shared = careless },
			"got <nil>, want the holder is no longer registered"},
		sound: {func(*mutant) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := countertest.Objection(t, seeds, func(t testing.TB, seed uint64) counter.Store {
				s := openLossy(t, cluster, seed)
				s.Share(1, time.Hour)
				m := &mutant{KV: s.Client.KV}
				is.change(m)
				s.Client.KV = m
				return s
			})
			if (err == nil) != (is.want == "") || err != nil && !strings.Contains(err.Error(), is.want) {
				t.Fatalf("the suite says %v; want %q", err, is.want)
			}
			t.Log(err)
		})
	}
}
