package invoices

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestACacheAsksOnceForAllWhoWaitAndForgetsAfterASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[string, int]
		asked := 0
		ask := func(context.Context) (int, error) {
			asked++
			time.Sleep(100 * time.Millisecond)
			return asked, nil
		}
		for range 10 {
			go c.get(t.Context(), "k", ask)
		}
		synctest.Wait()
		if got, err := c.get(t.Context(), "k", ask); got != 1 || err != nil || asked != 1 {
			t.Errorf("got %d, %v after %d questions", got, err, asked)
		}
		time.Sleep(cacheFor - 100*time.Millisecond) // counted from the question
		if got, _ := c.get(t.Context(), "k", ask); got != 2 {
			t.Errorf("got answer %d, want a new one", got)
		}
	})
}

func TestACacheKeepsNoErrorAndNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	c := cache[int, int]{max: 3}
	broken := errors.New("broken")
	if _, err := c.get(t.Context(), 0, func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for k := range 100 {
		got, err := c.get(t.Context(), k, func(context.Context) (int, error) { return k, nil })
		if got != k || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if len(c.answers) > 3 {
			t.Fatalf("%d answers kept", len(c.answers))
		}
	}
}
