package counter

import "time"

// meterSlots is the window in seconds, one slot each.
const meterSlots = uint32(window / time.Second)

// meter counts takes over a sliding window, in slots of a second. It is small,
// because every series has one. The zero meter has seen none.
type meter struct {
	slots [meterSlots]uint32
	begun uint32 // the Unix second of the first take in the slots; 0 if they are empty
	last  uint32 // the second of the last take ever; slots are valid up to it
}

func (m *meter) add(now time.Time, n int64) { m.addAt(uint32(now.Unix()), n) }

// spread counts n takes that came at times unknown between from and now: as if
// at an even pace.
func (m *meter) spread(from uint32, now time.Time, n int64) {
	last := uint32(now.Unix())
	first := max(from, last-min(last, meterSlots-1))
	if first > last {
		first = last
	}
	// What came before the window is counted out, by its share of the time.
	seconds := max(1, now.Unix()-int64(from)+1)
	each, rest := n/seconds, n%seconds
	for second := first; second <= last; second++ {
		share := each
		if int64(last-second) < rest {
			share++
		}
		m.addAt(second, share)
	}
}

func (m *meter) addAt(second uint32, n int64) {
	if n <= 0 {
		return
	}
	m.forget(second)
	if m.begun == 0 {
		m.begun = second
	}
	m.last = max(m.last, second)
	slot := &m.slots[m.last%meterSlots]
	*slot = uint32(min(int64(*slot)+n, 1<<32-1))
}

// demand returns what was seen. It forgets what is older than the window.
func (m *meter) demand(now time.Time) Demand {
	second := uint32(now.Unix())
	m.forget(second)
	if m.begun == 0 {
		return Demand{}
	}
	var d Demand
	for _, n := range m.slots {
		d.Takes += int64(n)
	}
	d.Over = min(window, time.Duration(max(second, m.last)-m.begun+1)*time.Second)
	return d
}

// forget clears the slots that have left the window since the last take.
func (m *meter) forget(second uint32) {
	if m.begun == 0 || second <= m.last {
		return
	}
	if second-m.last >= meterSlots {
		*m = meter{last: m.last}
		return
	}
	for s := m.last + 1; s <= second; s++ {
		m.slots[s%meterSlots] = 0
	}
}
