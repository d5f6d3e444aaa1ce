package model

import "hash/maphash"

// fingerprint stands for a state. Two different states share one with a
// probability of one in 2^128 per pair: with a thousand million states less than
// one in 10^20 that any was skipped.
type fingerprint [2]uint64

// visited is the set of the states seen, an open hash table without pointers.
type visited struct {
	seeds [2]maphash.Seed
	slots []fingerprint // a power of two of them; zero: empty
	used  int
}

func newVisited() *visited {
	return &visited{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, slots: make([]fingerprint, 1<<12)}
}

// add reports whether s is new.
func (v *visited) add(s state) bool {
	f := fingerprint{maphash.Comparable(v.seeds[0], s), maphash.Comparable(v.seeds[1], s)}
	if f == (fingerprint{}) {
		f[0] = 1
	}
	if v.used*4 >= len(v.slots)*3 {
		v.grow()
	}
	return v.put(f)
}

func (v *visited) put(f fingerprint) bool {
	mask := uint64(len(v.slots) - 1)
	for i := f[0] & mask; ; i = (i + 1) & mask {
		switch v.slots[i] {
		case f:
			return false
		case fingerprint{}:
			v.slots[i] = f
			v.used++
			return true
		}
	}
}

func (v *visited) grow() {
	old := v.slots
	v.slots, v.used = make([]fingerprint, 2*len(old)), 0
	for _, f := range old {
		if f != (fingerprint{}) {
			v.put(f)
		}
	}
}
