package combine

import (
	"context"
	"time"
)

// flight is one call for several. Each of them may leave before it is over; the last
// to leave ends it, and waits for that.
type flight struct {
	ctx    context.Context
	cancel context.CancelFunc
	remain int           // members who wait for it
	done   chan struct{} // closed when it is over
}

// takeOff puts all members of a batch into a flight. The group's mu is held.
func takeOff[Q, A any](batch []*member[Q, A]) {
	f := &flight{remain: len(batch), done: make(chan struct{})}
	f.ctx, f.cancel = together(batch)
	for _, m := range batch {
		m.flight = f
	}
}

// together makes the context of a batch: that of its first without its end, until the
// last of all deadlines.
func together[Q, A any](batch []*member[Q, A]) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(batch[0].ctx)
	var last time.Time
	for _, m := range batch {
		deadline, has := m.ctx.Deadline()
		if !has {
			return context.WithCancel(ctx)
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return context.WithDeadline(ctx, last)
}

// askForAll asks for a batch and gives each its answer, which is the last it does.
func (g *Group[Q, A]) askForAll(f *flight, batch []*member[Q, A], by Asker[Q, A]) {
	questions := make([]Q, len(batch))
	for i, m := range batch {
		questions[i] = m.q
	}
	answers, err := by.Ask(f.ctx, questions)
	f.cancel()
	g.passOn(by)
	for i, m := range batch {
		if m.err = err; err == nil {
			m.answer = answers[i]
		}
		m.turn <- answered
	}
	close(f.done)
}

// passOn makes the first who waits the next to lead.
func (g *Group[Q, A]) passOn(by Asker[Q, A]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 || g.leading > by.flights() {
		g.leading--
		return
	}
	next := g.waiting[0]
	g.unqueue(next)
	next.turn <- lead
}

// leave lets me go: out of the queue, or out of its flight; if it was to lead, another
// does.
func (g *Group[Q, A]) leave(me *member[Q, A], by Asker[Q, A]) {
	g.mu.Lock()
	f, queued := me.flight, g.unqueue(me)
	last := false
	if f != nil {
		f.remain--
		last = f.remain == 0
	}
	g.mu.Unlock()
	switch {
	case last:
		f.cancel()
		<-f.done
	case f == nil && !queued:
		g.passOn(by)
	}
}
