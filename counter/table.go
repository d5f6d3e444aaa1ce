package counter

import (
	"hash/maphash"
	"sync"
)

// table finds the shelf of a series. It is keyed by a hash, the shelves of one
// hash in a chain: with a hundred thousand series, keys of three strings would
// cost more than half of what a shelf does.
type table struct {
	mu    sync.RWMutex // never held across I/O
	seed  maphash.Seed
	heads map[uint64]*shelf
	count int
	ended bool
}

func newTable() table {
	return table{seed: maphash.MakeSeed(), heads: make(map[uint64]*shelf)}
}

func (t *table) hash(s Series) uint64 { return maphash.Comparable(t.seed, s) }

// find returns the shelf of s; nil if there is none.
func (t *table) find(s Series) *shelf {
	h := t.hash(s)
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.at(h, s)
}

func (t *table) at(h uint64, s Series) *shelf {
	for sh := t.heads[h]; sh != nil; sh = sh.chain {
		if sh.series == s {
			return sh
		}
	}
	return nil
}

// findOrMake returns the shelf of s, a new one if there was none; nil once the
// table is ended.
func (t *table) findOrMake(s Series, make func() *shelf) *shelf {
	h := t.hash(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil
	}
	if sh := t.at(h, s); sh != nil {
		return sh
	}
	sh := make()
	sh.chain = t.heads[h]
	t.heads[h] = sh
	t.count++
	return sh
}

// remove takes sh out, if condition holds for it: nobody finds it meanwhile.
func (t *table) remove(sh *shelf, condition func() bool) {
	h := t.hash(sh.series)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !condition() {
		return
	}
	at := t.heads[h]
	if at == sh {
		if sh.chain == nil {
			delete(t.heads, h)
		} else {
			t.heads[h] = sh.chain
		}
		t.count--
		return
	}
	for ; at != nil; at = at.chain {
		if at.chain == sh {
			at.chain = sh.chain
			t.count--
			return
		}
	}
}

// end lets no shelf be made any more and returns those there are.
func (t *table) end() []*shelf {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	return t.list()
}

// all returns the shelves as they are now, in no order.
func (t *table) all() []*shelf {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list()
}

func (t *table) list() []*shelf {
	all := make([]*shelf, 0, t.count)
	for _, sh := range t.heads {
		for ; sh != nil; sh = sh.chain {
			all = append(all, sh)
		}
	}
	return all
}
