package counter

import "time"

const (
	window     = 10 * time.Second // a block should last this long
	quietTakes = 10               // fewer takes than this in a window: blocks of one
	maxGrowth  = 4                // from one block to the next
	maxBlock   = 1_000_000        // numbers in a block
)

// nextSize returns how many numbers to reserve next, given the size of the last
// block and the takes seen in the current window. A block should last one
// window at that rate; it grows at most fourfold, shrinks at once, and is one
// number long for a quiet series, so that its numbers come in order whichever
// replica is asked.
func nextSize(last int64, seen demand) int64 {
	if seen.takes < quietTakes {
		return 1
	}
	size := int64(seen.perSecond() * window.Seconds())
	return max(1, min(size, maxGrowth*max(1, last), maxBlock))
}

// demand is the takes counted over the last part of a window.
type demand struct {
	takes int64
	over  time.Duration // how long they were counted; at most one window
}

func (d demand) perSecond() float64 {
	return float64(d.takes) / max(d.over, time.Second).Seconds()
}

// meter counts takes over a sliding window, in slots of a second. The zero
// meter has seen none.
type meter struct {
	slots [int(window / time.Second)]int64
	begun int64 // the second of the first take since the meter was empty
	last  int64 // the second of the last take; slots are valid up to it
}

func (m *meter) add(now time.Time, n int64) {
	second := now.Unix()
	m.forget(second)
	if m.last == 0 {
		m.begun = second
	}
	m.last = second
	m.slots[m.slot(second)] += n
}

func (m *meter) demand(now time.Time) demand {
	second := now.Unix()
	m.forget(second)
	if m.last == 0 {
		return demand{}
	}
	var d demand
	for _, n := range m.slots {
		d.takes += n
	}
	d.over = min(window, time.Duration(second-m.begun+1)*time.Second)
	return d
}

// forget clears the slots that have left the window since the last take.
func (m *meter) forget(second int64) {
	if m.last == 0 || second <= m.last {
		return
	}
	if second-m.last >= int64(len(m.slots)) {
		*m = meter{}
		return
	}
	for s := m.last + 1; s <= second; s++ {
		m.slots[m.slot(s)] = 0
	}
}

func (m *meter) slot(second int64) int64 { return second % int64(len(m.slots)) }
