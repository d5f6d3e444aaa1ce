package counter

import "time"

// meterSlots is the window in seconds, one slot each.
const meterSlots = int64(window / time.Second)

// meter counts takes over a sliding window, in slots of a second. It is small,
// because every series has one. The zero meter has seen none.
type meter struct {
	slots [meterSlots]uint32
	begun int64 // the second of the first take since the meter was empty
	last  int64 // the second of the last take; slots are valid up to it
}

func (m *meter) add(now time.Time, n int64) {
	if n <= 0 {
		return
	}
	second := now.Unix()
	m.forget(second)
	if m.last == 0 {
		m.begun = second
	}
	m.last = max(m.last, second)
	slot := &m.slots[m.slot(m.last)]
	*slot = uint32(min(int64(*slot)+n, 1<<32-1))
}

func (m *meter) demand(now time.Time) Demand {
	second := now.Unix()
	m.forget(second)
	if m.last == 0 {
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
func (m *meter) forget(second int64) {
	if m.last == 0 || second <= m.last {
		return
	}
	if second-m.last >= meterSlots {
		*m = meter{}
		return
	}
	for s := m.last + 1; s <= second; s++ {
		m.slots[m.slot(s)] = 0
	}
}

func (m *meter) slot(second int64) int64 { return second % meterSlots }
