package main

import (
	"context"
	"strings"
	"sync"
	"time"
)

// books looks into etcd all the time: who is alive, and who holds blocks in how many
// series. One look is one read, so the two belong together.
type books struct {
	c *cluster

	mu    sync.Mutex
	at    time.Time
	alive map[string]bool
	held  map[string]int
	had   map[string]int       // the ledgers of each holder in the last look in which it had any
	clear map[string]time.Time // the first look since then
}

func newBooks(c *cluster) *books {
	return &books{c: c, had: make(map[string]int), clear: make(map[string]time.Time)}
}

// run looks until ctx ends.
func (b *books) run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = b.look(ctx) // etcd may be away: the next look tells
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// look takes one look.
func (b *books) look(ctx context.Context) error {
	text, err := b.c.etcdctl(ctx, "get", "--prefix", "/folio/h", "--keys-only")
	if err != nil {
		return err
	}
	b.fold(time.Now(), text)
	return nil
}

// fold takes in the keys of one look.
func (b *books) fold(at time.Time, keys string) {
	alive, held := make(map[string]bool), make(map[string]int)
	for key := range strings.FieldsSeq(keys) {
		if name, ok := strings.CutPrefix(key, "/folio/holders/"); ok {
			alive[name] = true
		} else if rest, ok := strings.CutPrefix(key, "/folio/held/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			held[name]++
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at, b.alive, b.held = at, alive, held
	for name, n := range held {
		b.had[name] = n
		delete(b.clear, name)
	}
	for name := range b.had {
		if held[name] == 0 && b.clear[name].IsZero() {
			b.clear[name] = at
		}
	}
}

// holders are those of a pod that are alive, and in how many ledgers each holds blocks.
func (b *books) holders(pod string) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := make(map[string]int)
	for name := range b.alive {
		if strings.HasPrefix(name, pod+".") {
			found[name] = b.held[name]
		}
	}
	return found
}

// holds returns in how many ledgers a holder holds blocks, and whether it is alive.
func (b *books) holds(holder string) (series int, alive bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held[holder], b.alive[holder]
}

// had returns in how many ledgers a holder held blocks when it last held any.
func (b *books) lastHeld(holder string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.had[holder]
}

// cleared returns when a holder was first seen without blocks, and has had none since.
func (b *books) cleared(holder string) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.clear[holder]
	return at, ok
}

// gone are the holders that are not alive and hold blocks.
func (b *books) gone() (names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.held {
		if !b.alive[name] {
			names = append(names, name)
		}
	}
	return names
}

// settling waits until nothing is held by a holder that died, and returns how long
// after its death that was; 0 if it was not seen in good time.
func (b *books) settling(ctx context.Context, holder string, died time.Time, bound time.Duration) time.Duration {
	var took time.Duration
	_ = b.c.until(ctx, bound, holder+" is settled", func() bool {
		at, ok := b.cleared(holder)
		took = at.Sub(died)
		return ok
	})
	if _, ok := b.cleared(holder); !ok {
		return 0
	}
	return took
}
