package invoices

import (
	"context"
	"errors"
	"time"

	"folio/internal/combine"
)

// combiner answers many look-ups of one kind with few. The zero combiner is ready.
type combiner[Q, A any] struct {
	group combine.Group[Q, A]
}

// asker asks all questions at once and returns the answers in their order.
type asker[Q, A any] func(context.Context, []Q) ([]A, error)

// lookUpPatience is how long a statement that is not answered holds up those behind it.
const lookUpPatience = 250 * time.Millisecond

// get returns the answer to q; ask is the same in all calls. A question that was sent
// to Postgres does not end with who asked it: a statement that is cancelled costs a
// connection.
func (c *combiner[Q, A]) get(ctx context.Context, q Q, ask asker[Q, A]) (A, error) {
	answer, err := c.group.Get(ctx, q, combine.Asker[Q, A]{Patience: lookUpPatience, Ask: func(ctx context.Context, all []Q) ([]A, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return ask(ctx, all)
	}})
	if errors.Is(err, combine.ErrLeft) {
		err = wrap("wait for an answer from Postgres", err)
	}
	return answer, err
}
