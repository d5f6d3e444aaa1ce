package invoices

import (
	"context"
	"sync"
	"time"
)

// cacheFor is how old an answer from a cache may be: so long it takes at most
// until a revoked key or a changed series is known in every replica.
const cacheFor = time.Second

// cache remembers answers for keep, counted from before they were asked
// for, so none is older than that when it is given. At most max answers are
// kept. Several who ask for the same at once share one question. An error is
// never remembered. The zero cache is empty and keeps up to 10,000 answers.
type cache[K comparable, V any] struct {
	max  int
	keep time.Duration // 0: cacheFor

	mu      sync.Mutex // guards answers; never held across I/O
	answers map[K]*answer[V]
}

type answer[V any] struct {
	asked time.Time
	done  chan struct{} // closed when value and err are set
	value V
	err   error
}

// get returns the answer to k, from ask if it has to.
func (c *cache[K, V]) get(ctx context.Context, k K, ask func(context.Context) (V, error)) (V, error) {
	a, mine := c.find(k)
	if mine {
		// Others may wait for the answer: it does not end with this caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		a.value, a.err = ask(ctx)
		cancel()
		if a.err != nil {
			c.forget(k, a)
		}
		close(a.done)
		return a.value, a.err
	}
	select {
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		var none V
		return none, wrap("wait for an answer from Postgres", ctx.Err())
	}
}

// find returns the answer to k, given or being asked for; mine tells that the
// caller is to ask.
func (c *cache[K, V]) find(k K) (a *answer[V], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, keep := time.Now(), orDefault(c.keep, cacheFor)
	if a := c.answers[k]; a != nil && now.Sub(a.asked) < keep {
		return a, false
	}
	if c.answers == nil {
		c.answers = make(map[K]*answer[V])
	}
	for other, old := range c.answers {
		if len(c.answers) < orDefault(c.max, 10_000) && now.Sub(old.asked) < keep {
			break // a fresh one: enough swept for now
		}
		delete(c.answers, other)
	}
	a = &answer[V]{asked: now, done: make(chan struct{})}
	c.answers[k] = a
	return a, true
}

func (c *cache[K, V]) forget(k K, a *answer[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers[k] == a {
		delete(c.answers, k)
	}
}

// drop forgets the answers that stale reports true for, and those being asked
// for now: they may be of before whatever made the others stale.
func (c *cache[K, V]) drop(stale func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, a := range c.answers {
		select {
		case <-a.done:
			if !stale(a.value) {
				continue
			}
		default:
		}
		delete(c.answers, k)
	}
}
