package combine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// answering asks for a second, and tells of each call how many questions it had.
func answering(tell func(int)) func(context.Context, []int) ([]int, error) {
	return func(_ context.Context, q []int) ([]int, error) {
		tell(len(q))
		time.Sleep(time.Second)
		answers := make([]int, len(q))
		for i := range q {
			answers[i] = -q[i]
		}
		return answers, nil
	}
}

// idle fails if somebody leads or waits still.
func idle[Q, A any](t *testing.T, g *Group[Q, A]) {
	t.Helper()
	if g.leading != 0 || len(g.waiting) > 0 {
		t.Errorf("%d lead and %d wait still", g.leading, len(g.waiting))
	}
}

func TestAGroupAsksForAllWhoGatheredMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		most, flights, callers int
		want                   []int
	}{
		{0, 0, 502, []int{1, 500, 1}},
		{10, 0, 12, []int{1, 10, 1}},
		{10, 3, 12, []int{1, 1, 1, 9}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var g Group[int, int]
			var mu sync.Mutex // guards sizes
			var sizes []int
			note := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				sizes = append(sizes, n)
			}
			by := Asker[int, int]{Ask: answering(note), Most: c.most, Flights: c.flights}
			for i := range c.callers {
				go func() {
					if got, err := g.Get(t.Context(), i, by); got != -i || err != nil {
						t.Errorf("%d: got %d, %v", i, got, err)
					}
				}()
				time.Sleep(time.Millisecond)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if !slices.Equal(sizes, c.want) {
				t.Errorf("asked for %v at a time, want %v", sizes, c.want)
			}
			idle(t, &g)
		})
	}
}

// Whoever gives up leaves the others their answers, even the one to lead next.
func TestAGroupGoesOnWhenSomebodyLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g Group[int, int]
		broken := errors.New("broken")
		by := Asker[int, int]{Ask: func(context.Context, []int) ([]int, error) {
			time.Sleep(time.Second)
			return nil, broken
		}}
		errs := make([]error, 4)
		for i := range errs {
			ctx := t.Context()
			if i == 0 || i == 1 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second) // as the first answer comes
				defer cancel()
			}
			go func() { _, errs[i] = g.Get(ctx, i, by) }()
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for i := 2; i < 4; i++ {
			if !errors.Is(errs[i], broken) {
				t.Errorf("%d: %v", i, errs[i])
			}
		}
		idle(t, &g)
	})
}

// It is told to lead, and leaves at the same moment.
func TestWhoIsToLeadAndLeavesLetsTheNextLead(t *testing.T) {
	t.Parallel()
	var g Group[int, int]
	var by Asker[int, int]
	first, second := &member[int, int]{turn: make(chan turn, 1)}, &member[int, int]{turn: make(chan turn, 1)}
	for _, m := range []*member[int, int]{{}, first, second} { // the flight of the first is over now
		g.join(m, by.flights())
	}
	g.passOn(by)
	g.leave(first, by)
	if len(second.turn) != 1 || <-second.turn != lead {
		t.Error("nobody leads")
	}
	g.leave(second, by)
	idle(t, &g)
}
