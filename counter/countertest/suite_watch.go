package countertest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"folio/counter"
)

// watching runs a watch until the test ends and returns what it tells. Where calls
// get lost a watch that broke is begun anew.
func (c *caller) watching() <-chan counter.Notice {
	ctx, cancel := context.WithCancel(context.Background())
	notices := make(chan counter.Notice, 16)
	notify := func(n counter.Notice) {
		select {
		case notices <- n:
		case <-ctx.Done():
		}
	}
	var done sync.WaitGroup
	done.Go(func() {
		err := c.store.Watch(ctx, notify)
		for ; c.seen != nil && err != nil && ctx.Err() == nil; err = c.store.Watch(ctx, notify) {
			time.Sleep(repeatAfter)
		}
		if err == nil || c.seen == nil && !errors.Is(err, context.Canceled) {
			c.Errorf("the watch ended with %v", err)
		}
	})
	c.Cleanup(func() { cancel(); done.Wait() })
	return notices
}

func watchGone(c *caller) {
	notices := c.watching()
	// A watch tells nothing of what was before it: so register until it tells.
	late := time.After(knownWithin)
	for i := 0; ; i++ {
		_, reg := c.register("pod." + strconv.Itoa(i))
		c.close(reg)
		select {
		case got := <-notices:
			if got.Gone == "" || got.Last != 0 {
				c.Fatalf("got %+v, want a holder that is gone", got)
			}
			return
		case <-time.After(100 * time.Millisecond):
		case <-late:
			c.Fatal("no holder was ever told to be gone")
		}
	}
}

func (c *caller) callIn(n counter.Notice) {
	c.Helper()
	c.must("call in", func(ctx context.Context) error { return c.store.CallIn(ctx, n.Series, n.Last) })
}

func watchCalled(c *caller) {
	seven, nine := counter.Notice{Series: invoices, Last: 7}, counter.Notice{Series: invoices, Last: 9}
	twelve := counter.Notice{Series: counter.Series{Tenant: "bolt", Name: "x"}, Last: 12}
	c.callIn(seven)
	c.callIn(nine)
	notices := c.watching() // it begins after the calls, and tells of the latest
	c.wantNext(notices, nine, seven)
	c.callIn(twelve)
	c.wantNext(notices, twelve, nine, seven)
}

// wantNext wants the next notice to be want. Where calls get lost the earlier ones
// may come before it once more: each was sent until it was answered.
func (c *caller) wantNext(notices <-chan counter.Notice, want counter.Notice, earlier ...counter.Notice) {
	c.Helper()
	late := time.After(knownWithin)
	for {
		select {
		case got := <-notices:
			if got == want {
				return
			}
			again := false
			for _, e := range earlier {
				again = again || got == e
			}
			if c.seen == nil || !again {
				c.Fatalf("got %+v, want %+v", got, want)
			}
		case <-late:
			c.Fatalf("%+v was never told", want)
		}
	}
}
