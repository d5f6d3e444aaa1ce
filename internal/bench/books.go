package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"folio/internal/bench/load"
)

// books are what was given from one table, or by one fleet that has none, within a
// scenario.
type books struct {
	stack  *stack
	of     entrant
	series string
	given  []load.Given
	failed int64
}

// check holds what was given against what is stored.
func (k *books) check(ctx context.Context, since time.Time) error {
	if !k.of.stores {
		return load.Twice(k.given)
	}
	rows, err := k.stack.server.Stored(ctx, k.of.database(), k.series, k.stack.tenants, since)
	if err != nil {
		return err
	}
	return load.Verify(k.given, rows, k.failed)
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
