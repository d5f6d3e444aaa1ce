package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"folio/internal/bench/load"
)

// bench is one run.
type bench struct {
	flags    flags
	out      io.Writer
	dir      string
	builds   map[build]string // binaries of folio
	stack    *stack
	grown    *stack // nil until the growth scenario
	writers  int    // so many clients there were so far
	results  []result
	played   []scenario
	versions string
}

// errGuard: a ratio fell under the guard.
var errGuard = errors.New("a ratio fell under 0.7 of its bar")

// run runs the scenarios and reports.
func (b *bench) run(ctx context.Context, scenarios []scenario) (err error) {
	begun := time.Now()
	if err := b.prepare(ctx, scenarios); err != nil {
		return errors.Join(err, b.end())
	}
	defer func() { err = errors.Join(err, b.end()) }()
	b.versions = b.stack.versions(ctx)
	fmt.Fprintf(b.out, "%d cores, %s, %s, %s; everything on this machine, synchronous_commit on, fsync on; load average %s\n",
		runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, runtime.Version(), b.versions, loadAverage())
	if b.stack.redisAt == "" {
		fmt.Fprintln(b.out, "redis-server is not installed, so Redis takes no part (Debian, Ubuntu: apt-get install redis-server)")
	}
	for _, s := range scenarios {
		if err := b.scenario(ctx, s); err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
	}
	return b.report(time.Since(begun))
}

// prepare builds folio and starts what it stands on.
func (b *bench) prepare(ctx context.Context, scenarios []scenario) (err error) {
	if b.dir = b.flags.Keep; b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "folio-bench-"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(b.dir, "stack")); err == nil {
		return fmt.Errorf("%s has what another run kept; remove it, or give another folder with --keep", b.dir)
	}
	if err := os.Chmod(b.dir, 0o755); err != nil { // Postgres has to enter it
		return err
	}
	if err := b.buildAll(ctx, scenarios); err != nil {
		return err
	}
	b.stack, err = startStack(ctx, filepath.Join(b.dir, "stack"), b.flags.Tenants)
	return err
}

// end ends what prepare started, and removes it unless it is to be kept.
func (b *bench) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	for _, s := range []*stack{b.stack, b.grown} {
		if s != nil {
			errs = append(errs, s.close(ctx))
		}
		if s != nil && b.flags.Keep == "" {
			errs = append(errs, s.remove())
		}
	}
	if b.flags.Keep == "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}

// scenario lets its sides take turns, and then checks what they did.
func (b *bench) scenario(ctx context.Context, s scenario) (err error) {
	fmt.Fprintf(b.out, "\n%s: %s; %d rounds of %s in turn\n", s.name, s.title, s.rounds, s.round)
	if err := b.before(ctx, s); errors.Is(err, errSkipped) {
		fmt.Fprintf(b.out, "  not run: %v\n", err)
		return nil
	} else if err != nil {
		return err
	}
	since := time.Now().Truncate(time.Microsecond)
	turns, end, err := b.turns(ctx, s)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	first := len(b.results)
	for _, t := range turns {
		b.results = append(b.results, t.result(s.name))
	}
	results := b.results[first:]
	for range s.rounds {
		for i, t := range turns {
			if results[i].Missing != "" {
				continue
			}
			wait := func() error { return nil }
			if s.name == profiling {
				wait = b.profile(ctx, t, s.round)
			}
			one, err := b.play(ctx, t, arrivals(turns, results, i), s.round)
			if err := errors.Join(err, wait()); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			results[i].Rounds = append(results[i].Rounds, one)
		}
	}
	b.played = append(b.played, s)
	b.table(results)
	if s.name == "statements" {
		if err := b.statements(ctx, turns, results); err != nil {
			return err
		}
	}
	return checkBooks(ctx, turns, since)
}

// arrivals is the rate at which requests of the i-th side arrive: a share of the best
// that the same entrant did so far in the closed model. 0: it is the closed model.
func arrivals(turns []*turn, results []result, i int) float64 {
	if turns[i].share == 0 {
		return 0
	}
	for j, t := range turns {
		if t.side.entrant == turns[i].side.entrant && t.share == 0 {
			return turns[i].share * load.Median(results[j].figures(rate)) / float64(turns[i].kind.Per())
		}
	}
	return 0
}

// checkBooks checks each set of books once.
func checkBooks(ctx context.Context, turns []*turn, since time.Time) error {
	var errs []error
	var seen []*books
	for _, t := range turns {
		if t.books == nil || slices.Contains(seen, t.books) {
			continue
		}
		seen = append(seen, t.books)
		if err := t.books.check(ctx, since); err != nil {
			errs = append(errs, fmt.Errorf("what %s did is wrong: %w", t.name, err))
		}
	}
	return errors.Join(errs...)
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
	t.forms, t.crowd = load.NewForms(t.kind, t.stack.keys[:one.crowd]), load.NewCrowd(one.crowd, 0)
	return t, nil
}
