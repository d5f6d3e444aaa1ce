package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"folio/counter"
	"folio/counter/etcdstore"
)

func TestLoadsThatComeTogetherShareARead(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	pod := g.register(t, 0)
	var reads []string
	g.Told = func(operation string, _ time.Duration, err error) { reads = append(reads, fmt.Sprint(operation, err)) }
	const count = 30
	written := make([]*swapping, count)
	for i := range written {
		written[i] = first(t, pod, numbered(i))
		written[i].next.Mark += int64(i)
		if written[i].send(g); written[i].err != nil {
			t.Fatal(written[i].err)
		}
	}
	const junk = "4611686018427387904"
	if _, err := g.Client.Put(timeout(t), "/folio/ledger/"+numbered(count).String(), junk); err != nil {
		t.Fatal(err)
	}
	now, err := g.Client.Get(timeout(t), "nothing")
	if err != nil {
		t.Fatal(err)
	}
	reads = nil
	var calls []func()
	for i := range count + 3 { // the last are damaged, not there, and asked for twice
		calls = append(calls, func() {
			series := numbered(i % (count + 2))
			l, v, revision, err := g.LoadAt(timeout(t), series)
			switch {
			case i == count:
				if !errors.Is(err, counter.ErrDamaged) || v != junk {
					t.Errorf("the damaged one: %q, %v", v, err)
				}
			case i == count+1:
				if v != "" || err != nil || !l.Equal(counter.Ledger{}) {
					t.Errorf("the one that is not there: %v, %q, %v", l, v, err)
				}
			case err != nil || !l.Equal(written[i%(count+2)].next) || v == "":
				t.Errorf("%s: %v, %v", series, l, err)
			}
			if revision != now.Header.Revision {
				t.Errorf("%s: read at revision %d, want %d", series, revision, now.Header.Revision)
			}
		})
	}
	had := g.share(t, func() { _, _, _ = g.Load(timeout(t), invoices) }, calls...)
	if !slices.Equal(had, []int{len(calls)}) {
		t.Errorf("calls of %v reads, want one of %d", had, len(calls))
	}
	if want := []string{"read<nil>", "read<nil>"}; !slices.Equal(reads, want) {
		t.Errorf("told of %v, want %v", reads, want)
	}
}

// Swaps by three holders, one of whom is gone; two meet another value than they were
// computed from; two are of one series.
func TestSwapsThatComeTogetherShareATransactionAndNothingElse(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	one, two := g.register(t, 1), g.register(t, 2)
	holders := []string{one, two, "nobody.1"}
	want := map[string]error{"nobody.1": counter.ErrLost}
	var all []*swapping
	for i := range 9 {
		all = append(all, first(t, holders[i%3], numbered(i)))
	}
	stale, odd := first(t, one, numbered(9)), first(t, two, numbered(10))
	if stale.send(g); stale.err != nil {
		t.Fatal(stale.err)
	}
	odd.old = `{"v":1,"mark":7,"serial":7,"held":[],"free":[]}`
	again := first(t, two, numbered(0)) // after the first swap of all, it meets that one's value
	all = append(all, stale, odd, again)
	had := g.shareSwaps(t, one, all...)
	if !slices.Equal(had, []int{11, 2}) { // a lone one is two writes
		t.Errorf("calls of %v operations: want one of all swaps but the last, which waits for its series", had)
	}
	for i, w := range all {
		want := want[w.holder]
		if i >= 9 {
			want = counter.ErrConflict
		}
		wantOutcome(t, g.Store, w, want, i == 9)
	}
	for i, holder := range []string{one, two} {
		held, err := g.HeldBy(timeout(t), holder)
		if err != nil || !slices.Contains(held, numbered(i)) || slices.Contains(held, numbered(2)) || slices.Contains(held, numbered(10)) {
			t.Errorf("%s holds %v, %v", holder, held, err)
		}
	}
	if held, err := g.HeldBy(timeout(t), "nobody.1"); len(held) != 0 || err != nil {
		t.Errorf("nobody holds %v, %v", held, err)
	}
}

// wantOutcome holds what a swap was told against what is stored.
func wantOutcome(t *testing.T, s *etcdstore.Store, w *swapping, want error, before bool) {
	t.Helper()
	if !errors.Is(w.err, want) || (w.err == nil) != (want == nil) {
		t.Errorf("%s of %s: %v, want %v", w.series, w.holder, w.err, want)
	}
	got, err := s.Client.Get(timeout(t), "/folio/ledger/"+w.series.String())
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := s.Load(timeout(t), w.series)
	if err != nil {
		t.Fatal(err)
	}
	there := l.Equal(w.next)
	if there != (want == nil || before) {
		t.Errorf("%s of %s was told %v, and the ledger is %s", w.series, w.holder, w.err, textOf(l))
	}
	if want == nil && w.revision != got.Kvs[0].ModRevision || want != nil && w.revision != 0 {
		t.Errorf("%s of %s: told revision %d, it is %d", w.series, w.holder, w.revision, got.Kvs[0].ModRevision)
	}
}

// Whoever has no time left while his swap waits is not served; the others are.
func TestASwapThatIsGivenUpWhileItWaitsIsNotSent(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	pod := g.register(t, 1)
	given, kept := first(t, pod, numbered(1)), first(t, pod, numbered(2))
	ctx, cancel := context.WithCancel(t.Context())
	r := g.beginSwaps(t, pod)
	r.join(t, func() { _, given.err = g.SwapAt(ctx, pod, given.series, "", given.next) })
	cancel()
	await(timeout(t), t, "it is given up", func() bool { return g.Waiting() == 0 })
	r.join(t, func() { kept.send(g) })
	had := r.end()
	wantUnknown(t, given.err)
	if !slices.Equal(had, []int{2}) { // the ledger and the index: as a lone one
		t.Errorf("calls of %v operations", had)
	}
	wantOutcome(t, g.Store, kept, nil, false)
	if l, _, err := g.Load(timeout(t), given.series); err != nil || !l.Equal(counter.Ledger{}) {
		t.Errorf("the one that was given up: %v, %v", l, err)
	}
}

// As many as may share a call, as long as they may be: etcd, as it comes, takes it.
func TestAFullCallIsTakenByEtcd(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	pod := g.register(t, 1)
	crowded := counter.Ledger{}
	for i := range 63 { // each leaves the index by an operation of its own
		next, _, err := crowded.Reserve(counter.Want{Holder: fmt.Sprintf("p-%02d.1", i), Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		crowded = next
	}
	var all []*swapping
	for i := range counter.MaxSwaps + 1 {
		w := first(t, pod, numbered(i))
		if i == 0 { // too many operations to share
			next, _, err := crowded.Reserve(counter.Want{Holder: "p-63.1", Count: 1})
			if err != nil {
				t.Fatal(err)
			}
			w.next = next
		} else {
			w.next = crowded
		}
		if w.send(g); w.err != nil {
			t.Fatal(w.err)
		}
		_, v, err := g.Load(timeout(t), w.series)
		if err != nil {
			t.Fatal(err)
		}
		w.old, w.next = v, counter.Ledger{Mark: 100, Serial: w.next.Serial}
		all = append(all, w)
	}
	had := g.shareSwaps(t, pod, all...)
	if !slices.Equal(had, []int{65, counter.MaxSwaps}) {
		t.Errorf("calls of %v operations, want one swap of 65 alone and one of %d swaps", had, counter.MaxSwaps)
	}
	for _, w := range all {
		wantOutcome(t, g.Store, w, nil, false)
	}
	var loads []func()
	for i := range 101 {
		loads = append(loads, func() {
			if _, _, err := g.Load(timeout(t), numbered(i)); err != nil {
				t.Error(err)
			}
		})
	}
	if had := g.share(t, func() { _, _, _ = g.Load(timeout(t), invoices) }, loads...); !slices.Equal(had, []int{100, 1}) {
		t.Errorf("reads of %v ledgers", had)
	}
}

// Ledgers may be long; a request of etcd's may not.
func TestLongLedgersShareATransactionWithinItsBytes(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	pod := g.register(t, 1)
	long := counter.Ledger{}
	for range 1500 {
		next, _, err := long.Reserve(counter.Want{Holder: pod, Era: "1.00000001.7576148392017364028", Count: 1, At: time.Now().UTC()})
		if err != nil {
			t.Fatal(err)
		}
		long = next
	}
	var all []*swapping
	for i := range 3 {
		w := first(t, pod, numbered(i))
		w.next = long
		all = append(all, w)
	}
	all = append(all, first(t, pod, numbered(3)))
	if had := g.shareSwaps(t, pod, all...); !slices.Equal(had, []int{3, 2}) { // the third long one goes alone: two writes
		t.Errorf("calls of %v operations", had)
	}
	for _, w := range all {
		wantOutcome(t, g.Store, w, nil, false)
	}
}

// An etcd that was told to take less refuses a call without looking at it. (Most that
// it takes is a setting of the server; here the refusal is made up.)
func TestAnEtcdThatTakesLessIsAskedForLess(t *testing.T) {
	g := behindGate(open(t, startEtcd(t, 1), 60))
	pod := g.register(t, 1)
	for _, refusal := range []error{rpctypes.ErrTooManyOps, rpctypes.ErrRequestTooLarge} {
		g.gate.refuse = func(ops int) error {
			if ops > 3 {
				return refusal
			}
			return nil
		}
		var all []*swapping
		var loads []func()
		for range 7 {
			w := first(t, pod, counter.Series{Tenant: "less", Name: "n" + space()})
			all = append(all, w)
			loads = append(loads, func() {
				if l, _, err := g.Load(timeout(t), w.series); err != nil || !l.Equal(w.next) {
					t.Errorf("%v, %v", l, err)
				}
			})
		}
		if had := g.shareSwaps(t, pod, all...); !slices.Equal(had, []int{7, 3, 4, 2, 2}) {
			t.Errorf("%v: calls of %v swaps", refusal, had)
		}
		for _, w := range all {
			wantOutcome(t, g.Store, w, nil, false)
		}
		if had := g.share(t, func() { _, _, _ = g.Load(timeout(t), invoices) }, loads...); !slices.Equal(had, []int{7, 3, 4, 2, 2}) {
			t.Errorf("%v: calls of %v loads", refusal, had)
		}
		g.gate.refuse = nil
	}
}

// TestManyRefillsShareFewCalls: each of five hundred series that are refilled at once is
// one load and one swap.
func TestManyRefillsShareFewCalls(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	g := behindGate(s)
	s.Share(0, 0) // as it is
	pod := g.register(t, 1)
	var reads, transactions atomic.Int64
	s.Told = func(operation string, _ time.Duration, _ error) {
		if operation == "read" {
			reads.Add(1)
			return
		}
		transactions.Add(1)
	}
	const refills = 500
	var refilling sync.WaitGroup
	for i := range refills {
		refilling.Go(func() {
			old, v, err := g.Load(timeout(t), numbered(i))
			if err != nil {
				t.Error(err)
				return
			}
			next, _, err := old.Reserve(counter.Want{Holder: pod, Count: 1})
			if err != nil {
				t.Error(err)
			}
			if err := g.Swap(timeout(t), pod, numbered(i), v, next); err != nil {
				t.Error(err)
			}
		})
	}
	refilling.Wait()
	t.Logf("%d refills: %d reads and %d transactions", refills, reads.Load(), transactions.Load())
	if reads.Load() > refills/4 || transactions.Load() > refills/4 {
		t.Errorf("%d reads and %d transactions: nobody shares", reads.Load(), transactions.Load())
	}
	held, err := g.HeldBy(timeout(t), pod)
	if err != nil || len(held) != refills {
		t.Errorf("%d series are held, %v", len(held), err)
	}
}
