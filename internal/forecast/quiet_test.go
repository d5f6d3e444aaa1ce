package forecast

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// A hundred quiet tenants of one replica, each with an invoice every five minutes.
const (
	quietTenants = 100
	quietRounds  = 10
	quietGap     = 5 * time.Minute / quietTenants
)

// quietModelled returns what an invoice of theirs costs in transactions in the model.
func quietModelled(t *testing.T, idle time.Duration) float64 {
	b := &book{}
	f := newFleet(1, quietTenants, 1, Conditions{Idle: idle}, b)
	var at time.Duration
	for range quietRounds {
		for tenant := range int32(quietTenants) {
			f.take(at, place{tenant: tenant})
			at += quietGap
		}
	}
	f.pass(at + 3*time.Minute)
	if f.failed != nil || len(f.places) != 0 {
		t.Errorf("%v; %d shelves at the end", f.failed, len(f.places))
	}
	return b.swaps / (quietRounds * quietTenants)
}

// quietReally returns what it costs with the allocator itself.
func quietReally(t *testing.T, idle time.Duration) float64 {
	mem := &countertest.Mem{}
	a := &counter.Allocator{Config: counter.Config{Store: mem, Pod: "folio-a", Idle: idle}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for range quietRounds {
		for tenant := range int32(quietTenants) {
			n, err := a.Take(t.Context(), seriesOf(tenant))
			if err != nil {
				t.Fatal(err)
			}
			n.Spend()
			time.Sleep(quietGap)
		}
	}
	time.Sleep(3 * time.Minute)
	swaps := mem.Swaps()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return float64(swaps) / (quietRounds * quietTenants)
}

// TestAQuietInvoiceCostsAShareOfAHandBack: the same in the model and for real, and
// with a shorter idle time.
func TestAQuietInvoiceCostsAShareOfAHandBack(t *testing.T) {
	for _, idle := range []time.Duration{time.Minute, 30 * time.Second} {
		t.Run(idle.String(), func(t *testing.T) {
			model := quietModelled(t, idle)
			var real float64
			synctest.Test(t, func(t *testing.T) { real = quietReally(t, idle) })
			t.Logf("an invoice costs %.3f transactions in the model, %.3f for real", model, real)
			if max(model, real) > 1.1 || min(model, real) <= 1 {
				t.Error("want more than one, and at most 1.1")
			}
			if d := model - real; max(d, -d) > 0.02 {
				t.Error("the model differs")
			}
		})
	}
}
