package forecast

import (
	"reflect"
	"testing"
	"time"
)

// small is a crowd for tests.
func small(near int) Crowd {
	return Crowd{Tenants: 2000, Replicas: 10, PerSecond: 300, Near: near, Warm: 80 * time.Second, Long: 40 * time.Second, Seed: 1}
}

func forecast(t *testing.T, c Crowd) Forecast {
	t.Helper()
	f, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheSameSeedGivesTheSameForecast(t *testing.T) {
	one, two := forecast(t, small(0)), forecast(t, small(0))
	if !reflect.DeepEqual(one, two) {
		t.Error("the same seed gave another forecast")
	}
	c := small(0)
	c.Seed = 2
	other := forecast(t, c)
	other.Seed = one.Seed
	if reflect.DeepEqual(one, other) {
		t.Error("another seed gave the same forecast: the seed does nothing")
	}
}

func TestAffinitySavesTransactions(t *testing.T) {
	random, three, one := forecast(t, small(0)), forecast(t, small(3)), forecast(t, small(1))
	a, b, c := random.Total(), three.Total(), one.Total()
	if a.Swaps <= b.Swaps || b.Swaps <= c.Swaps {
		t.Errorf("swaps: %.0f at random, %.0f with three replicas, %.0f with one; want ever fewer", a.Swaps, b.Swaps, c.Swaps)
	}
	// With one replica a refill can only meet a hand-back of its own series.
	if 5*c.Conflicts > a.Conflicts {
		t.Errorf("%.0f conflicts with one replica each, %.0f at random", c.Conflicts, a.Conflicts)
	}
	if c.DistanceMost != 0 {
		t.Errorf("out of order by %d although each tenant has one replica", c.DistanceMost)
	}
	if a.DistanceMost == 0 || a.Conflicts == 0 {
		t.Error("no busy tenant at random replicas is out of order or meets another: the test shows nothing")
	}
	if a.ValueMost <= b.ValueMost || b.ValueMost <= c.ValueMost {
		t.Errorf("largest values: %d, %d, %d; want ever smaller", a.ValueMost, b.ValueMost, c.ValueMost)
	}
}

func TestADeadReplicaLeavesNothing(t *testing.T) {
	r := newRun(small(1))
	if err := r.found(); err != nil {
		t.Fatal(err)
	}
	r.serve(0, r.crowd.Warm)
	dead := &r.fleet.replicas[0]
	before := held(r, dead.name)
	if before == 0 || before != dead.blocks {
		t.Fatalf("%d blocks in ledgers, %d counted, want the same and some", before, dead.blocks)
	}
	numbers := dead.held
	if err := r.kill(); err != nil {
		t.Fatal(err)
	}
	if n := held(r, dead.name); n != 0 || r.sum.Death.Kept != 0 {
		t.Errorf("%d blocks, %d ledgers without room after settling", n, r.sum.Death.Kept)
	}
	if numbers == 0 || r.sum.Death.Freed != numbers {
		t.Errorf("%d numbers freed, want the %d that were held, and some", r.sum.Death.Freed, numbers)
	}
}

// held counts the blocks of one holder in all ledgers.
func held(r *run, holder string) (n int) {
	for _, l := range r.fleet.ledgers {
		n += len(l.HeldBy(holder))
	}
	return n
}

func TestTenantsComeByZipfsLaw(t *testing.T) {
	r := newRun(small(0))
	if err := r.found(); err != nil {
		t.Fatal(err)
	}
	var came [3]int
	for range 200_000 {
		if k := r.anyTenant(); k < 3 {
			came[k]++
		}
	}
	for k, n := range came {
		if share := float64(n) * float64(k+1) / float64(came[0]); share < 0.95 || share > 1.05 {
			t.Errorf("tenant %d came %.2f times as often as it should", k+1, share)
		}
	}
}

func TestACrowdWithoutTenantsIsRefused(t *testing.T) {
	if _, err := (Crowd{}).Run(); err == nil {
		t.Error("the zero crowd ran")
	}
}

func TestEventsHappenInOrder(t *testing.T) {
	var e events
	f := newFleet(1, 1, 1, Conditions{}, &book{})
	for i := range int32(1000) {
		e.add(event{at: f.within(time.Second), id: i})
	}
	last := time.Duration(-1)
	seen := make(map[int32]bool)
	for len(e) > 0 {
		next := e.next()
		if next.at < last {
			t.Fatalf("%s came after %s", next.at, last)
		}
		last = next.at
		seen[next.id] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1,000 events happened", len(seen))
	}
}
