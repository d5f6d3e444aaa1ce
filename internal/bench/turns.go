package main

import (
	"context"
	"errors"
	"fmt"

	"folio/internal/bench/load"
)

// turn is a side in its turn.
type turn struct {
	side
	entrant entrant
	fleet   *fleet
	stack   *stack
	forms   *load.Forms
	crowds  []*load.Crowd // that its connections ask for, in turn
	books   *books
}

// result is the frame for the rounds of a side.
func (t *turn) result(scenario string) result {
	r := result{
		Scenario: scenario, Side: t.name, Entrant: t.side.entrant, Connections: t.connections, Replicas: t.replicas,
		Tenants: t.side.crowd, Lines: t.kind.Lines, Batch: t.kind.Batch, Share: t.share,
	}
	if t.fleet == nil {
		r.Missing = "redis-server is not installed"
	}
	return r
}

// turns starts the fleets that the sides of a scenario need.
func (b *bench) turns(ctx context.Context, s scenario) (turns []*turn, end func() error, err error) {
	fleets := make(map[fleetKey]*fleet)
	end = func() error {
		var errs []error
		for _, f := range fleets {
			errs = append(errs, f.stop(context.WithoutCancel(ctx)))
		}
		return errors.Join(errs...)
	}
	all := make(map[string]*books)
	for _, one := range s.sides {
		one.warmUp += s.warmUp
		t, err := b.turn(ctx, one, fleets, all)
		if err != nil {
			return nil, end, err
		}
		turns = append(turns, t)
	}
	for _, f := range fleets {
		if err := f.ready(ctx); err != nil {
			return nil, end, err
		}
	}
	return turns, end, nil
}

// turn makes one side ready, with the fleet and the books that it shares with others.
func (b *bench) turn(ctx context.Context, one side, fleets map[fleetKey]*fleet, all map[string]*books) (*turn, error) {
	found, err := named(one.entrant)
	if err != nil {
		return nil, err
	}
	t := &turn{side: one, entrant: found[0], stack: b.stack}
	if one.grown {
		t.stack = b.grown
	}
	if t.entrant.redis && t.stack.redisAt == "" {
		return t, nil
	}
	key := fleetKey{one.entrant, one.replicas, one.slowEtcd, one.grown, one.writers}
	if t.fleet = fleets[key]; t.fleet == nil {
		t.fleet = &fleet{}
		if t.entrant.name != copyName {
			if t.fleet, err = b.startFleet(ctx, t.entrant, key, t.stack); err != nil {
				return nil, err
			}
		}
		fleets[key] = t.fleet
	}
	if t.kind.Series == "" && t.entrant.series != blockSeries {
		t.kind.Series = t.entrant.series
	}
	series := t.kind.Series
	if series == "" {
		series = blockSeries
	}
	name := fmt.Sprint(t.entrant.database(), series, one.grown)
	if !t.entrant.stores {
		name = fmt.Sprint(key)
	}
	if all[name] == nil {
		all[name] = &books{stack: t.stack, of: t.entrant, series: series}
	}
	t.books = all[name]
	t.forms, t.crowds = load.NewForms(t.kind, t.stack.keys[:one.crowd]), crowdsOf(one)
	return t, nil
}

// crowdsOf are the crowds that the connections of a side ask for: all the same, or, if
// each tenant stays at one replica, those to each replica its own.
func crowdsOf(s side) []*load.Crowd {
	parts := 1
	if s.affine {
		parts = s.replicas
	}
	var crowds []*load.Crowd
	for i := range parts {
		crowds = append(crowds, load.NewPart(i, parts, s.crowd, 0))
	}
	return crowds
}
