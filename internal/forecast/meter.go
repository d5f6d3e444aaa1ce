package forecast

import (
	"time"

	"folio/counter"
)

// slots is the window of the meter: ten slots of a second, as the counter has them.
const slots = 10

// meter counts the takes of one series on one replica over the last ten seconds,
// as the counter does. The zero meter has seen none.
type meter struct {
	takes [slots]uint32
	begun int32 // the second of the first take since the meter was empty
	last  int32 // the second of the last take
	used  bool
}

func (m *meter) add(at time.Duration) {
	second := int32(at / time.Second)
	m.forget(second)
	if !m.used {
		m.used, m.begun = true, second
	}
	m.last = second
	m.takes[second%slots]++
}

func (m *meter) demand(at time.Duration) counter.Demand {
	second := int32(at / time.Second)
	m.forget(second)
	if !m.used {
		return counter.Demand{}
	}
	var d counter.Demand
	for _, n := range m.takes {
		d.Takes += int64(n)
	}
	d.Over = min(slots, time.Duration(second-m.begun+1)) * time.Second
	return d
}

// forget clears what has left the window since the last take.
func (m *meter) forget(second int32) {
	if !m.used || second <= m.last {
		return
	}
	if second-m.last >= slots {
		*m = meter{}
		return
	}
	for s := m.last + 1; s <= second; s++ {
		m.takes[s%slots] = 0
	}
}
