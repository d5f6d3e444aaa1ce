package invoices

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestACombinerAsksForAllWhoGatheredMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c combiner[int, int]
		var sizes []int
		ask := func(_ context.Context, q []int) ([]int, error) {
			sizes = append(sizes, len(q))
			time.Sleep(time.Second)
			answers := make([]int, len(q))
			for i := range q {
				answers[i] = -q[i]
			}
			return answers, nil
		}
		const all = 2 + combineMax
		for i := range all {
			go func() {
				if got, err := c.get(t.Context(), i, ask); got != -i || err != nil {
					t.Errorf("%d: got %d, %v", i, got, err)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(sizes) != 3 || sizes[0] != 1 || sizes[1] != combineMax || sizes[2] != 1 {
			t.Errorf("asked for %v at a time", sizes)
		}
		if c.leading || len(c.waiting) > 0 {
			t.Error("somebody leads or waits still")
		}
	})
}

// Whoever gives up leaves the others their answers, even the one to lead next.
func TestACombinerGoesOnWhenSomebodyLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c combiner[int, int]
		broken := errors.New("broken")
		ask := func(context.Context, []int) ([]int, error) {
			time.Sleep(time.Second)
			return nil, broken
		}
		errs := make([]error, 4)
		for i := range errs {
			ctx := t.Context()
			if i == 0 || i == 1 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second) // as the first answer comes
				defer cancel()
			}
			go func() { _, errs[i] = c.get(ctx, i, ask) }()
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for i := 2; i < 4; i++ {
			if !errors.Is(errs[i], broken) {
				t.Errorf("%d: %v", i, errs[i])
			}
		}
		if c.leading || len(c.waiting) > 0 {
			t.Error("somebody leads or waits still")
		}
	})
}
