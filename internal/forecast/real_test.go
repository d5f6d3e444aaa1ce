package forecast

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// tally is what served the same requests, once in the model and once for real.
type tally struct {
	blocks int64
	most   int64 // numbers at hand
	end    int64 // numbers at hand at the end
	mark   int64
	held   int64 // blocks in the ledger at the end
}

// apart names the first figure by which two tallies differ by more than a fifth
// and a few: the allocator learns of a take up to a second after it was.
func apart(model, really tally) error {
	for _, f := range []struct {
		name          string
		model, really int64
	}{
		{"blocks", model.blocks, really.blocks},
		{"most at hand", model.most, really.most},
		{"at hand at the end", model.end, really.end},
		{"mark", model.mark, really.mark},
		{"blocks in the ledger", model.held, really.held},
	} {
		if d := max(f.model-f.really, f.really-f.model); d > f.really/5+5 {
			return fmt.Errorf("%s: %d in the model, %d for real", f.name, f.model, f.really)
		}
	}
	return nil
}

// really lets the allocator itself serve the requests, in virtual time.
func really(t *testing.T, traffic Traffic) (got tally) {
	legs := rand.New(rand.NewPCG(1, 4))
	var mu sync.Mutex // the watch and the refills ask at once
	leg := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(625+legs.IntN(1250)) * time.Microsecond
	}
	mem := &countertest.Mem{Faults: func(string, counter.Series) countertest.Fault {
		return countertest.Fault{Delay: leg(), Late: leg()}
	}}
	// The only sweep of a run this short comes with nobody dead.
	a := &counter.Allocator{Config: counter.Config{Store: mem, Pod: "folio-a", SweepEvery: time.Hour}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	start := time.Now()
	for at := range traffic.arrivals(1) {
		time.Sleep(at - time.Since(start))
		go take(t, a)
		synctest.Wait()
		got.most = max(got.most, a.Stats().Left)
	}
	time.Sleep(time.Second)
	stats := a.Stats()
	l, _, err := mem.Load(ctx, series)
	if err != nil {
		t.Error(err)
	}
	got.blocks, got.end, got.mark, got.held = stats.Reserved, stats.Left, l.Mark, int64(len(l.Held))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return got
}

var series = seriesOf(0)

func take(t *testing.T, a *counter.Allocator) {
	n, err := a.Take(t.Context(), series)
	if err != nil {
		t.Error(err)
		return
	}
	n.Offer()
	time.Sleep(5 * time.Millisecond)
	n.Spend()
}

// modelled lets the model serve them.
func modelled(t *testing.T, traffic Traffic) (got tally) {
	b := &book{}
	f := newFleet(1, 1, 1, Conditions{}, b)
	for at := range traffic.arrivals(1) {
		f.take(at, place{})
		got.most = max(got.most, f.held.value)
	}
	f.pass(f.held.since + time.Second)
	if f.failed != nil {
		t.Fatal(f.failed)
	}
	l := f.ledgers[0]
	got.blocks, got.end, got.mark, got.held = int64(b.swaps), f.held.value, l.Mark, int64(len(l.Held))
	return got
}

// TestTheModelDoesWhatTheAllocatorDoes serves the same requests twice.
func TestTheModelDoesWhatTheAllocatorDoes(t *testing.T) {
	for _, traffic := range []Traffic{
		Steady("quiet", 0.5, 40*time.Second),
		Steady("busy", 50, 40*time.Second),
		{Name: "ramp", Long: 40 * time.Second, Most: 200, Rate: func(at time.Duration) float64 { return 5 * at.Seconds() }},
		{Name: "burst", Long: 20 * time.Second, Most: 1000, Rate: func(at time.Duration) float64 {
			if at < 10*time.Second || at >= 11*time.Second {
				return 1
			}
			return 1000
		}},
	} {
		t.Run(traffic.Name, func(t *testing.T) {
			model := modelled(t, traffic)
			var real tally
			synctest.Test(t, func(t *testing.T) { real = really(t, traffic) })
			t.Logf("%+v in the model, %+v for real", model, real)
			if err := apart(model, real); err != nil {
				t.Error(err)
			}
			real.most = 2*real.most + 100
			if apart(model, real) == nil {
				t.Error("the check does not notice twice as many numbers at hand")
			}
		})
	}
}
