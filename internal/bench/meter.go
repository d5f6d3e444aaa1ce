package main

import (
	"context"
	"sync/atomic"
	"time"

	"folio/internal/bench/load"
)

// counting counts the requests of a Sender that were answered well.
type counting struct {
	load.Sender
	answered *atomic.Int64 // of all connections
}

// Send implements load.Sender.
func (c counting) Send(ctx context.Context) error {
	err := c.Sender.Send(ctx)
	if err == nil {
		c.answered.Add(1)
	}
	return err
}

// counted are the clients of a turn as one counter counts them.
func counted(clients []*load.Client) ([]load.Sender, *atomic.Int64) {
	senders, answered := make([]load.Sender, len(clients)), new(atomic.Int64)
	for i, c := range clients {
		senders[i] = counting{c, answered}
	}
	return senders, answered
}

// lead is how long before its window the first sample of a round is taken: to take one
// costs some milliseconds of CPU, which are not to be among those measured.
const lead = 100 * time.Millisecond

// meter takes a sample before a window and one at its end, while the load goes on. So
// costs are those of the window: blocks that grow, keys that are looked up for the first
// time and arrivals of another model before it are not in them. wait returns when both
// are there.
func (t *turn) meter(ctx context.Context, answered *atomic.Int64, begin time.Time, window time.Duration) (wait func() (before, after sample, err error)) {
	done := make(chan error, 1)
	var before, after sample
	at := func(moment time.Time, s *sample) (err error) {
		select {
		case <-time.After(time.Until(moment)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if *s, err = take(ctx, t.fleet, t.stack); err == nil {
			s.answered = answered.Load()
		}
		return err
	}
	go func() {
		err := at(begin.Add(-lead), &before)
		if err == nil {
			err = at(begin.Add(window), &after)
		}
		done <- err
	}()
	return func() (sample, sample, error) {
		err := <-done
		return before, after, err
	}
}
