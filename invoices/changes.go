package invoices

import (
	"sync"
	"time"
)

// How old an answer may be that is given again. So long it takes at most until a
// revoked key or a changed series is known in every replica: who is told of changes
// was told of them by then, and who is not asks again.
const (
	believedUntold = time.Second
	believedTold   = time.Minute
)

// subject is what changes, and what an answer is about: a tenant with its keys, or
// one of its series. The zero subject is none that anybody is told of.
type subject struct{ tenant, series string }

// changes is what a replica was told of by Postgres; see Listener. Nil and the
// zero changes were told nothing, and believe what is less than a second old.
//
// Moments are those of this process alone. A process that was stopped finds, when it
// goes on, that it has heard nothing for as long: so it asks.
type changes struct {
	mu     sync.RWMutex          // guards what follows; never held across I/O
	latest map[subject]time.Time // when it was last heard that something changed; within believedTold
	last   time.Time             // when that was heard of any of them
	all    time.Time             // when everything counted as changed
	began  time.Time             // whatever changes from then on is told; zero: it is not
	heard  time.Time             // all that was told before then was heard
}

// mostChanges is how many subjects are remembered as changed; beyond it all count as
// changed, which costs a question for each.
const mostChanges = 10_000

// believe reports whether an answer about s may be given now that was asked for at
// asked. It is not if a change was heard of since: the question may have been before it.
func (c *changes) believe(asked, now time.Time, s subject) bool {
	age := now.Sub(asked)
	if c == nil || age >= believedTold {
		return age < believedUntold
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !asked.After(c.all) || !asked.After(c.changed(s)) {
		return false
	}
	told := s != subject{} && !c.began.IsZero() && asked.After(c.began) && now.Sub(c.heard) < believedUntold
	return told || age < believedUntold
}

// changed is when s was last heard to have changed; if nobody knows what an answer is
// about, anything that did. c.mu is held.
func (c *changes) changed(s subject) time.Time {
	if s == (subject{}) {
		return c.last
	}
	return c.latest[s]
}

// note is told that s has changed; the zero subject is everything.
func (c *changes) note(s subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.latest == nil {
		c.latest = make(map[subject]time.Time)
	}
	if len(c.latest) >= mostChanges {
		for other, at := range c.latest {
			if now.Sub(at) >= believedTold {
				delete(c.latest, other)
			}
		}
	}
	if s == (subject{}) || len(c.latest) >= mostChanges {
		clear(c.latest)
		c.all = now
		return
	}
	c.latest[s], c.last = now, now
}

// begin is told that from now on all changes are told, or that they are not; sent is
// when the question went out whose answer said so.
func (c *changes) begin(sent time.Time, told bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began, c.heard = time.Time{}, sent
	if told {
		c.began = time.Now()
	}
}

// hear is told that a question which went out at sent was answered: what was told
// before it has been heard.
func (c *changes) hear(sent time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = sent
}
