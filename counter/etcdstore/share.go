package etcdstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"folio/internal/combine"
)

// sharing is how callers share calls of etcd: see package combine. Zero values are the
// defaults.
type sharing struct {
	// flights is how many reads of ledgers, and how many swaps, are under way at once;
	// others wait, and share the next. 4: one that meets a silent member takes as long
	// as those who wait for it have, and others go on beside it.
	flights int
	// patience is how long others wait if all these do not end. 100 ms: long for an etcd that is
	// well, and short beside the half second that a first call has.
	patience time.Duration
}

const (
	defaultFlights  = 4
	defaultPatience = 100 * time.Millisecond
)

// asker says how the questions of a group are asked.
func asker[Q, A any](by sharing, most int, ask func(context.Context, []Q) ([]A, error)) combine.Asker[Q, A] {
	return combine.Asker[Q, A]{
		Ask: ask, Most: most,
		Flights:  cmp.Or(by.flights, defaultFlights),
		Patience: cmp.Or(by.patience, defaultPatience),
	}
}

// tooMuch reports whether etcd refused a call for its size, before it did anything of
// it: it was told to take less than it does by default.
func tooMuch(err error) bool {
	return errors.Is(err, rpctypes.ErrTooManyOps) || errors.Is(err, rpctypes.ErrRequestTooLarge)
}

// inHalves calls do with either half of all, one after the other.
func inHalves[Q, A any](ctx context.Context, all []Q, do func(context.Context, []Q) ([]A, error)) ([]A, error) {
	half := len(all) / 2
	first, err := do(ctx, all[:half])
	if err != nil {
		return nil, err
	}
	rest, err := do(ctx, all[half:])
	if err != nil {
		return nil, err
	}
	return slices.Concat(first, rest), nil
}
