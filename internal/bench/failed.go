package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// failure is a scenario that failed, and why, in one line.
type failure struct {
	Scenario string `json:"scenario"`
	Why      string `json:"why"`

	err error
}

// failed is the failure of a scenario.
func failed(scenario string, err error) failure {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		if words := strings.Fields(line); len(words) > 0 {
			parts = append(parts, strings.Join(words, " "))
		}
	}
	return failure{scenario, strings.Join(parts, "; "), fmt.Errorf("scenario %s: %w", scenario, err)}
}

// String is what people read of it.
func (f failure) String() string { return fmt.Sprintf("the scenario %s failed: %s", f.Scenario, f.Why) }

// playAll plays scenarios. One that fails is told and kept for the report, and those
// behind it are played all the same, unless ctx has ended: what they measure took long.
func (b *bench) playAll(ctx context.Context, scenarios []scenario) {
	for _, s := range scenarios {
		err := b.scenario(ctx, s)
		if err == nil {
			continue
		}
		f := failed(s.name, err)
		b.failed = append(b.failed, f)
		fmt.Fprintf(b.out, "  %s\n", f)
		if ctx.Err() != nil {
			return
		}
	}
}

// failures are all that failed so far.
func (b *bench) failures() error {
	var errs []error
	for _, f := range b.failed {
		errs = append(errs, f.err)
	}
	return errors.Join(errs...)
}
