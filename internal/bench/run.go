package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"folio/internal/bench/load"
)

// bench is one run.
type bench struct {
	flags   flags
	out     io.Writer
	dir     string
	builds  map[build]string // binaries of folio
	stack   *stack
	grown   *stack // nil until the growth scenario
	writers int    // so many clients there were so far
	results []result
	played  []scenario
	failed  []failure
	machine machine
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
	if b.machine, err = b.stack.describe(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%s; everything on this machine; load average %s\n", b.machine, loadAverage())
	if b.stack.redisAt == "" {
		fmt.Fprintln(b.out, "redis-server is not installed, so Redis takes no part (Debian, Ubuntu: apt-get install redis-server)")
	}
	b.playAll(ctx, scenarios)
	b.machine.FreeAtEnd, _, err = b.stack.room(context.WithoutCancel(ctx))
	return errors.Join(b.failures(), err, b.report(time.Since(begun)))
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
	b.stack, err = startStack(ctx, filepath.Join(b.dir, "stack"), b.flags.tenants())
	if err != nil || b.flags.Quick || b.flags.Recycle == 0 { // a quick run has no time for it
		return err
	}
	return b.stack.recycle(ctx, b.flags.Recycle)
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

// scenario plays one, and prints and keeps what came out. Of one that fails nothing is
// kept.
func (b *bench) scenario(ctx context.Context, s scenario) error {
	fmt.Fprintf(b.out, "\n%s: %s; %d rounds of %s in turn\n", s.name, s.title, s.rounds, s.round)
	if err := b.before(ctx, s); errors.Is(err, errSkipped) {
		fmt.Fprintf(b.out, "  not run: %v\n", err)
		return nil
	} else if err != nil {
		return err
	}
	results, err := b.rounds(ctx, s)
	if err != nil {
		return err
	}
	b.results, b.played = append(b.results, results...), append(b.played, s)
	b.table(results)
	b.tellStatements(results)
	return nil
}

// rounds lets the sides of a scenario take turns, and then checks what they did.
func (b *bench) rounds(ctx context.Context, s scenario) (results []result, err error) {
	since := time.Now().Truncate(time.Microsecond)
	turns, end, err := b.turns(ctx, s)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return nil, err
	}
	for _, t := range turns {
		results = append(results, t.result(s.name))
	}
	for n := range s.rounds {
		for _, i := range order(n, len(turns)) {
			if results[i].Missing != "" {
				continue
			}
			one, err := b.one(ctx, s, turns[i], arrivals(turns, results, i))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", turns[i].name, err)
			}
			results[i].Rounds = append(results[i].Rounds, one)
		}
	}
	if s.name == "statements" {
		if err := readStatements(ctx, turns, results); err != nil {
			return nil, err
		}
	}
	return results, checkBooks(ctx, turns, since)
}

// one plays one round of a side, and profiles it if the scenario is for that.
func (b *bench) one(ctx context.Context, s scenario, t *turn, rate float64) (round, error) {
	wait := func() error { return nil }
	if s.name == profiling {
		wait = b.profile(ctx, t, s.round)
	}
	r, err := b.play(ctx, t, rate, cmp.Or(t.window, s.round))
	return r, errors.Join(err, wait())
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
