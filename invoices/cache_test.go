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
		from := origin[int]{ask: func(context.Context) (int, error) {
			asked++
			time.Sleep(100 * time.Millisecond)
			return asked, nil
		}}
		for range 10 {
			go c.get(t.Context(), "k", from)
		}
		synctest.Wait()
		if got, err := c.get(t.Context(), "k", from); got != 1 || err != nil || asked != 1 {
			t.Errorf("got %d, %v after %d questions", got, err, asked)
		}
		time.Sleep(believedUntold - 100*time.Millisecond) // counted from the question
		if got, _ := c.get(t.Context(), "k", from); got != 2 {
			t.Errorf("got answer %d, want a new one", got)
		}
		if len(c.asking) != 0 || len(c.answers) != 1 {
			t.Errorf("%d questions and %d answers are left", len(c.asking), len(c.answers))
		}
	})
}

func TestACacheKeepsNoErrorAndNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	c := cache[int, int]{max: 3}
	broken := errors.New("broken")
	if _, err := c.get(t.Context(), 0, origin[int]{ask: func(context.Context) (int, error) { return 0, broken }}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for k := range 100 {
		got, err := c.get(t.Context(), k, origin[int]{ask: func(context.Context) (int, error) { return k, nil }})
		if got != k || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if len(c.answers) > 3 {
			t.Fatalf("%d answers kept", len(c.answers))
		}
	}
}

// What is not believed any more makes room for what comes, long before there is none.
func TestACacheSweepsOutWhatIsNotBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c cache[int, int]
		one := origin[int]{ask: func(context.Context) (int, error) { return 1, nil }}
		for k := range 1000 {
			c.get(t.Context(), k, one)
		}
		time.Sleep(believedUntold)
		for k := range 1000 {
			c.get(t.Context(), 1000+k, one)
		}
		if n := len(c.answers); n != 1000 {
			t.Errorf("%d answers kept, want those of the last second", n)
		}
	})
}
