package invoices

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// toldCache is a cache whose answers are about the subjects asked for, and how many
// questions it asked.
type toldCache struct {
	cache[subject, subject]
	changes
	asked atomic.Int64
	slow  time.Duration // how long an answer takes
}

func (c *toldCache) get(t testing.TB, s subject) {
	t.Helper()
	got, err := c.cache.get(t.Context(), s, origin[subject]{
		ask:  func(context.Context) (subject, error) { c.asked.Add(1); time.Sleep(c.slow); return s, nil },
		told: &c.changes, about: func(s subject) subject { return s },
	})
	if got != s || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// asksFor fails unless just want questions were asked by now, since the last time.
func (c *toldCache) asksFor(t testing.TB, want int, what string) {
	t.Helper()
	if asked := c.asked.Swap(0); asked != int64(want) {
		t.Errorf("%s: asked %d times, want %d", what, asked, want)
	}
}

// listenFor is a listener that hears for d that nothing has changed.
func (c *toldCache) listenFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(listenEvery) {
		c.changes.hear(time.Now())
	}
}

// tell notes that s has changed, a moment before whatever comes next.
func (c *toldCache) tell(s subject) {
	c.note(s)
	time.Sleep(time.Microsecond)
}

func TestAnAnswerIsBelievedForAMinuteByWhoIsTold(t *testing.T) {
	t.Parallel()
	acme, other := subject{"acme", "invoice"}, subject{"acme", "web"}
	for what, do := range map[string]func(t *testing.T, c *toldCache){
		"told of nothing": func(t *testing.T, c *toldCache) {
			for range 59 {
				c.listenFor(time.Second)
				c.get(t, acme)
			}
			c.asksFor(t, 0, "within a minute")
			c.listenFor(time.Second)
			c.get(t, acme)
			c.asksFor(t, 1, "after a minute")
		},
		"told of a change": func(t *testing.T, c *toldCache) {
			c.listenFor(time.Second)
			c.tell(acme)
			c.get(t, other)
			c.asksFor(t, 0, "of what did not change")
			c.get(t, acme)
			c.get(t, acme)
			c.asksFor(t, 1, "of what did")
			c.tell(acme) // less than a second later
			c.get(t, acme)
			c.asksFor(t, 1, "of what did again")
		},
		"told of everything": func(t *testing.T, c *toldCache) {
			c.tell(subject{})
			c.get(t, acme)
			c.get(t, other)
			c.asksFor(t, 2, "of everything")
		},
		"told of more than is remembered": func(t *testing.T, c *toldCache) {
			c.tell(acme)
			for i := range mostChanges {
				c.note(subject{fmt.Sprint(i), ""})
			}
			if n := len(c.latest); n > mostChanges {
				t.Errorf("%d changes remembered", n)
			}
			c.get(t, acme)
			c.get(t, other)
			c.asksFor(t, 2, "of everything")
			c.listenFor(2 * time.Minute)
			for i := range mostChanges + 1 {
				c.note(subject{fmt.Sprint(i), ""})
				c.listenFor(listenEvery)
			}
			if c.all.After(time.Now().Add(-time.Minute)) {
				t.Error("changes of long ago are no reason to forget everything")
			}
		},
		"silent": func(t *testing.T, c *toldCache) {
			c.listenFor(5 * time.Second)
			time.Sleep(believedUntold - listenEvery - time.Millisecond)
			c.get(t, acme)
			c.asksFor(t, 0, "within a second")
			time.Sleep(time.Millisecond)
			c.get(t, acme)
			c.asksFor(t, 1, "after a second")
		},
		// Nothing is heard, nor asked, while the process is stopped.
		"stopped for half a minute": func(t *testing.T, c *toldCache) {
			c.listenFor(time.Second)
			sent := time.Now()
			time.Sleep(30 * time.Second)
			c.get(t, acme)
			c.asksFor(t, 1, "before anything is heard")
			c.hear(sent) // the answer that came meanwhile
			c.get(t, other)
			c.asksFor(t, 1, "after the answer to what was asked before")
		},
		"listening anew": func(t *testing.T, c *toldCache) {
			c.listenFor(2 * time.Second)
			c.begin(time.Now(), true) // whatever changed before nobody told
			time.Sleep(time.Microsecond)
			c.get(t, acme)
			c.asksFor(t, 1, "of what was known before")
			c.listenFor(2 * time.Second)
			c.get(t, acme)
			c.asksFor(t, 0, "since")
		},
		"listening to a database that does not tell": func(t *testing.T, c *toldCache) {
			c.begin(time.Now(), false)
			c.listenFor(time.Second)
			c.get(t, acme)
			c.asksFor(t, 1, "after a second")
			c.tell(acme)
			c.get(t, acme)
			c.asksFor(t, 1, "of what it does tell")
		},
		"a change while the question is on its way": func(t *testing.T, c *toldCache) {
			c.tell(acme)
			c.slow = 300 * time.Millisecond
			go c.get(t, acme)
			time.Sleep(100 * time.Millisecond)
			c.tell(acme)
			c.get(t, acme) // the answer on its way may be of before
			c.asksFor(t, 2, "of what changed meanwhile")
			c.get(t, acme)
			c.asksFor(t, 0, "since")
		},
		"what nobody is told of": func(t *testing.T, c *toldCache) {
			nobody := subject{}
			c.get(t, nobody)
			c.get(t, nobody)
			c.asksFor(t, 1, "within a second")
			c.tell(other) // it may be about this
			c.get(t, nobody)
			c.asksFor(t, 1, "after a change of something")
			c.listenFor(believedUntold)
			c.get(t, nobody)
			c.asksFor(t, 1, "after a second")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c toldCache
				c.begin(time.Now(), true)
				time.Sleep(time.Millisecond)
				c.get(t, acme)
				c.get(t, other)
				c.asksFor(t, 2, "at first")
				time.Sleep(time.Millisecond)
				do(t, &c)
			})
		})
	}
}
