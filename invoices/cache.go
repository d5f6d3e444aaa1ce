package invoices

import (
	"context"
	"sync"
	"time"
)

// cache remembers answers for as long as they may be believed, counted from before
// they were asked for. At most max answers are kept. Several who ask for the same at
// once share one question. An error is never remembered. The zero cache is empty.
type cache[K comparable, V any] struct {
	max int // 0: mostAnswers

	mu      sync.Mutex // guards what follows; never held across I/O
	answers map[K]answer[V]
	asking  map[K]*inquiry[V]
}

// mostAnswers bounds the memory of a cache: whom a key speaks for, with an address, and
// the rule of a series take about 600 bytes each, so the caches of both 20 MB. If more are
// in use each minute, those that fall out, any ones, are asked for anew.
const mostAnswers = 16_000

type answer[V any] struct {
	asked time.Time
	value V
}

// inquiry is a question on its way.
type inquiry[V any] struct {
	answer[V]
	done chan struct{} // closed when value and err are set
	err  error
}

// origin is where a cache has its answers from.
type origin[V any] struct {
	ask   func(context.Context) (V, error)
	told  *changes
	about func(V) subject // nil: nothing that anybody is told of
}

func (o origin[V]) believes(a answer[V], now time.Time) bool {
	var about subject
	if o.about != nil {
		about = o.about(a.value)
	}
	return o.told.believe(a.asked, now, about)
}

// get returns the answer to k, from its origin if it has to.
func (c *cache[K, V]) get(ctx context.Context, k K, from origin[V]) (V, error) {
	value, q, mine := c.find(k, from)
	switch {
	case q == nil:
		return value, nil
	case mine:
		// Others may wait for the answer: it does not end with this caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		q.value, q.err = from.ask(ctx)
		c.keep(k, q, from)
		close(q.done)
		return q.value, q.err
	}
	select {
	case <-q.done:
		return q.value, q.err
	case <-ctx.Done():
		return value, wrap("wait for an answer from Postgres", ctx.Err())
	}
}

// find returns the answer to k, or a question that is on its way; mine tells that the
// caller is to ask it. What a question on its way is about nobody knows: it is shared
// by those who come within a second and before anything was heard to have changed.
func (c *cache[K, V]) find(k K, from origin[V]) (value V, q *inquiry[V], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if a, ok := c.answers[k]; ok && from.believes(a, now) {
		return a.value, nil, false
	}
	if q := c.asking[k]; q != nil && from.told.believe(q.asked, now, subject{}) {
		return value, q, false
	}
	if c.asking == nil {
		c.asking = make(map[K]*inquiry[V])
	}
	q = &inquiry[V]{answer: answer[V]{asked: now}, done: make(chan struct{})}
	c.asking[k] = q
	return value, q, true
}

// keep remembers the answer to q, unless it was forgotten, or asked anew, meanwhile.
func (c *cache[K, V]) keep(k K, q *inquiry[V], from origin[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking[k] != q {
		return
	}
	delete(c.asking, k)
	if q.err != nil {
		return
	}
	if c.answers == nil {
		c.answers = make(map[K]answer[V])
	}
	if _, known := c.answers[k]; !known {
		c.makeRoom(from)
	}
	c.answers[k] = q.answer
}

// sweptAtOnce is how many answers are looked at for each that is new.
const sweptAtOnce = 8

// makeRoom deletes some answers that are not believed any more; if that leaves no room,
// any one. c.mu is held.
func (c *cache[K, V]) makeRoom(from origin[V]) {
	now, looked := time.Now(), 0
	for k, a := range c.answers {
		if !from.believes(a, now) || len(c.answers) >= orDefault(c.max, mostAnswers) {
			delete(c.answers, k)
		}
		if looked++; looked == sweptAtOnce {
			return
		}
	}
}

// forget makes the next question for k be asked anew.
func (c *cache[K, V]) forget(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.answers, k)
	delete(c.asking, k)
}
