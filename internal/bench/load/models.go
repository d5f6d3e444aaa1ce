package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Sender sends requests on one connection, in turn.
type Sender interface {
	// Send sends one request and waits for its answer.
	Send(ctx context.Context) error
}

// Result is what one round did.
type Result struct {
	Done      int64         // requests answered well within the window
	All       int64         // … and before and after it
	Failed    int64         // requests answered otherwise, at any time
	Window    time.Duration // what is measured, behind the warm-up
	Latency   Latencies     // of those within the window
	Unsent    int64         // of the open model: due, and never sent
	Behind    int64         // of the open model: due in the window, and answered after its end
	Gaps      []Gap         // the longest in the window
	FirstFail error         // what went wrong first; nil if nothing did
}

// Rate is how many requests were answered a second.
func (r Result) Rate() float64 { return float64(r.Done) / r.Window.Seconds() }

// tally is what one connection saw.
type tally struct {
	took             []time.Duration
	answers          []time.Duration // when they came, from the beginning of the window on, and in it
	done, all, fails int64
	behind           int64
	first            error
}

// note counts a request that was answered after took, at a moment within the window
// or not.
func (t *tally) note(err error, took time.Duration, within bool) {
	if err != nil {
		t.fails++
		if t.first == nil {
			t.first = err
		}
		return
	}
	t.all++
	if within {
		t.done++
		t.took = append(t.took, took)
	}
}

// heard keeps when an answer came, if that is within the window.
func (t *tally) heard(since, window time.Duration) {
	if since >= 0 && since < window {
		t.answers = append(t.answers, since)
	}
}

// Closed sends on each connection as soon as the answer before is there, for a warm-up
// and the window behind it. What is under way at the end is waited for.
func Closed(ctx context.Context, senders []Sender, warmUp, window time.Duration) Result {
	begin := time.Now().Add(warmUp)
	end := begin.Add(window)
	return together(senders, window, func(s Sender, t *tally) {
		for sent := time.Now(); sent.Before(end) && ctx.Err() == nil; {
			err := s.Send(ctx)
			now := time.Now()
			t.note(err, now.Sub(sent), !now.Before(begin) && now.Before(end))
			t.heard(now.Sub(begin), window)
			sent = now
		}
	})
}

// Open sends at a fixed rate, whatever the server does: the i-th request is due i gaps
// after the beginning, on whichever connection is free by then, and how long it took
// counts from when it was due. So a server that stalls is charged for every request
// that would have come meanwhile, not only for the one that it kept waiting
// (coordinated omission, as Gil Tene calls it). What is due within the window counts;
// what the connections did not get to by twice the time is Unsent.
func Open(ctx context.Context, senders []Sender, rate float64, warmUp, window time.Duration) Result {
	start := time.Now()
	begin, gap := start.Add(warmUp), time.Duration(float64(time.Second)/rate)
	end := begin.Add(window)
	total := int64((warmUp + window) / gap)
	giveUp := start.Add(2 * (warmUp + window))
	var next, unsent atomic.Int64
	r := together(senders, window, func(s Sender, t *tally) {
		for ctx.Err() == nil {
			i := next.Add(1) - 1
			if i >= total {
				return
			}
			due := start.Add(time.Duration(i) * gap)
			if time.Now().After(giveUp) {
				unsent.Add(1)
				continue
			}
			time.Sleep(time.Until(due))
			err := s.Send(ctx)
			now := time.Now()
			t.note(err, now.Sub(due), !due.Before(begin))
			t.heard(now.Sub(begin), window)
			if now.After(end) {
				t.behind++
			}
		}
	})
	r.Unsent = unsent.Load()
	return r
}

// together runs one goroutine for each sender and adds up what they saw.
func together(senders []Sender, window time.Duration, run func(Sender, *tally)) Result {
	tallies := make([]tally, len(senders))
	var running sync.WaitGroup
	for i, s := range senders {
		running.Go(func() { run(s, &tallies[i]) })
	}
	running.Wait()
	r := Result{Window: window}
	var took, answers []time.Duration
	for _, t := range tallies {
		took, answers = append(took, t.took...), append(answers, t.answers...)
		r.Done, r.All, r.Failed = r.Done+t.done, r.All+t.all, r.Failed+t.fails
		r.Behind += t.behind
		if r.FirstFail == nil {
			r.FirstFail = t.first
		}
	}
	r.Latency, r.Gaps = Quantiles(took), longestGaps(answers, window)
	return r
}
