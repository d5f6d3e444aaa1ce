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

// gate is what is asked: each call goes on when the test lets it.
type gate struct {
	mu    sync.Mutex // guards calls
	calls []*asked
}

type asked struct {
	ctx context.Context
	all []int
	end chan struct{}
}

func (g *gate) ask(ctx context.Context, all []int) ([]int, error) {
	c := &asked{ctx: ctx, all: all, end: make(chan struct{})}
	g.mu.Lock()
	g.calls = append(g.calls, c)
	g.mu.Unlock()
	select {
	case <-c.end:
		return all, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// seen returns the calls so far.
func (g *gate) seen() []*asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// crowd is callers of one group.
type crowd struct {
	group Group[int, int]
	by    Asker[int, int]
	errs  map[int]error
	mu    sync.Mutex // guards errs
}

func (c *crowd) come(ctx context.Context, q int) {
	go func() {
		got, err := c.group.Get(ctx, q, c.by)
		if err == nil && got != q {
			err = errors.New("another's answer")
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs[q] = err
	}()
	synctest.Wait()
}

func open() (*crowd, *gate) {
	g := &gate{}
	return &crowd{by: Asker[int, int]{Ask: g.ask}, errs: make(map[int]error)}, g
}

func (c *crowd) want(t *testing.T, q int, want error) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err, ended := c.errs[q]; !ended || !errors.Is(err, want) {
		t.Errorf("caller %d: ended: %v, %v; want %v", q, ended, err, want)
	}
}

func TestABatchGoesOnWithoutItsLeaderAndEndsWithTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, g := open()
		c.come(t.Context(), 0)
		last := time.Now().Add(time.Hour)
		leader, endLeader := context.WithTimeout(t.Context(), time.Minute)
		defer endLeader()
		other, endOther := context.WithDeadline(t.Context(), last)
		defer endOther()
		c.come(leader, 1)
		c.come(other, 2)
		close(g.seen()[0].end)
		synctest.Wait()
		batch := g.seen()[1]
		if deadline, _ := batch.ctx.Deadline(); !deadline.Equal(last) {
			t.Errorf("the batch ends at %s, want the last deadline, %s", deadline, last)
		}
		endLeader()
		synctest.Wait()
		c.want(t, 1, ErrLeft)
		c.want(t, 1, context.Canceled)
		if batch.ctx.Err() != nil {
			t.Error("the batch ended although one waits for it")
		}
		c.come(t.Context(), 3)
		endOther()
		synctest.Wait()
		c.want(t, 2, ErrLeft)
		if batch.ctx.Err() == nil {
			t.Error("the batch goes on although nobody waits for it")
		}
		if len(g.seen()) != 3 || !slices.Equal(g.seen()[2].all, []int{3}) {
			t.Fatalf("%d calls", len(g.seen()))
		}
		close(g.seen()[2].end)
		synctest.Wait()
		c.want(t, 3, nil)
		idle(t, &c.group)
	})
}

// A deadline of a batch is for those who have one.
func TestABatchOfOneWithoutADeadlineHasNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, g := open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c.come(ctx, 0)
		c.come(ctx, 1)
		c.come(t.Context(), 2)
		close(g.seen()[0].end)
		synctest.Wait()
		if _, has := g.seen()[1].ctx.Deadline(); has {
			t.Error("the batch has a deadline")
		}
		close(g.seen()[1].end)
		synctest.Wait()
		c.want(t, 2, nil)
	})
}

func TestWhoComesAloneIsAskedForWithItsOwnContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, g := open()
		ctx, cancel := context.WithCancel(t.Context())
		c.come(ctx, 0)
		if g.seen()[0].ctx != ctx {
			t.Error("it is another")
		}
		cancel()
		synctest.Wait()
		c.want(t, 0, context.Canceled)
		idle(t, &c.group)
	})
}

// Who does not go with the first waits for the next call; who came later does not
// wait for it.
func TestQuestionsThatDoNotGoTogetherAreAskedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, g := open()
		c.by.Room = func() func(int) bool { // none of the same last digit
			seen := make(map[int]bool)
			return func(q int) bool {
				goes := !seen[q%10]
				seen[q%10] = true
				return goes
			}
		}
		for _, q := range []int{0, 1, 11, 21, 2, 12} {
			c.come(t.Context(), q)
		}
		want := [][]int{{0}, {1, 2}, {11, 12}, {21}}
		for i, all := range want {
			calls := g.seen()
			if len(calls) != i+1 || !slices.Equal(calls[i].all, all) {
				t.Fatalf("call %d of %d asks for %v, want %v", i+1, len(calls), calls[len(calls)-1].all, all)
			}
			close(calls[i].end)
			synctest.Wait()
		}
		for _, q := range []int{0, 1, 11, 21, 2, 12} {
			c.want(t, q, nil)
		}
		idle(t, &c.group)
	})
}

func TestACallThatHangsHoldsUpNobodyForLongerThanHisPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, g := open()
		c.by.Patience, c.by.Flights = time.Second, 2
		for q := range 5 {
			c.come(t.Context(), q)
		}
		if len(g.seen()) != 2 {
			t.Fatalf("%d flights, want 2", len(g.seen()))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(g.seen()) != 3 || len(g.seen()[2].all) != 3 {
			t.Fatalf("%d flights after a second, want one more for all who waited", len(g.seen()))
		}
		c.come(t.Context(), 5)
		close(g.seen()[2].end)
		synctest.Wait()
		if len(g.seen()) != 3 {
			t.Error("the flight that was one too many was followed by another")
		}
		close(g.seen()[0].end)
		synctest.Wait()
		if len(g.seen()) != 4 {
			t.Error("who waited was not asked for when a flight ended")
		}
		close(g.seen()[1].end)
		close(g.seen()[3].end)
		synctest.Wait()
		for q := range 6 {
			c.want(t, q, nil)
		}
		idle(t, &c.group)
	})
}
