package counter

import "sync/atomic"

// Stats is a snapshot of what an [Allocator] has done since it was made, and of
// what it has now.
type Stats struct {
	Holder string // the present holder; "" between two lives
	Lives  int64  // holders registered
	Series int64  // series with a shelf
	Left   int64  // numbers on the shelves

	Reserved  int64 // blocks
	Spent     int64 // numbers
	Returned  int64 // numbers, each time one was
	Doubtful  int64 // numbers
	Conflicts int64 // swaps that found the ledger changed
	Unknown   int64 // swaps whose outcome had to be found out
	Settled   int64 // blocks of dead holders, by this allocator
}

// counts are the running totals behind [Stats].
type counts struct {
	lives, reserved, spent, returned, doubtful atomic.Int64
	conflicts, unknown, settled                atomic.Int64
}

func (c *counts) fate(f fate) {
	switch f {
	case spent:
		c.spent.Add(1)
	case returned:
		c.returned.Add(1)
	case doubtful:
		c.doubtful.Add(1)
	}
}

// Stats returns a snapshot; its parts may be some operations apart.
func (a *Allocator) Stats() Stats {
	s := Stats{
		Lives: a.counts.lives.Load(), Reserved: a.counts.reserved.Load(), Spent: a.counts.spent.Load(),
		Returned: a.counts.returned.Load(), Doubtful: a.counts.doubtful.Load(), Conflicts: a.counts.conflicts.Load(),
		Unknown: a.counts.unknown.Load(), Settled: a.counts.settled.Load(),
	}
	if l, _ := a.present(); l != nil {
		s.Holder = l.holder.Name
		s.Series, s.Left = l.stock()
	}
	return s
}

func (l *life) stock() (series, left int64) {
	shelves := l.all()
	for _, s := range shelves {
		s.mu.Lock()
		left += s.left()
		s.mu.Unlock()
	}
	return int64(len(shelves)), left
}
