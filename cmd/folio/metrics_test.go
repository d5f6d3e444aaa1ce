package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"folio/counter"
	"folio/counter/countertest"
)

// What does not happen for certain in a run of real replicas; the others are seen there,
// see internal/endtoend.
func TestWhatCannotBeSeenOfARunIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		muted := false
		m := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
			if op == "Swap" && !muted { // the first swap is applied, and nobody is told
				muted = true
				return countertest.Fault{Mute: true}
			}
			return countertest.Fault{}
		}}
		a := &counter.Allocator{Config: counter.Config{Store: m}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		n, err := a.Take(ctx, counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"})
		if err != nil {
			t.Fatal(err)
		}
		n.Doubt()
		for name, want := range map[string]float64{
			"folio_numbers_taken_total": 1, "folio_numbers_doubtful_total": 1, "folio_swap_unknown_total": 1, "folio_blocks_reserved_total": 1,
		} {
			if got, err := figureOf(a, name); err != nil || got != want {
				t.Errorf("%s is %v (%v), want %v", name, got, err, want)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// figureOf gathers one metric of an allocator.
func figureOf(a *counter.Allocator, name string) (float64, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(allocatorMetrics(a))
	families, err := registry.Gather()
	if err != nil {
		return 0, err
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].Counter.GetValue(), nil
		}
	}
	return 0, errors.New("it is not there")
}
