package countertest

import (
	"folio/counter"
)

// Snapshot returns a copy of all ledgers, for Restore.
func (m *Mem) Snapshot() map[counter.Series]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	texts := make(map[counter.Series]string, len(m.ledgers))
	for s, k := range m.ledgers {
		texts[s] = k.text
	}
	return texts
}

// Restore puts the ledgers back to a snapshot, as an operator does: what was
// registered since is gone without a word, watches break, and the store knows
// that it is in another history.
func (m *Mem) Restore(ledgers map[counter.Series]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ledgers = nil
	for s, text := range ledgers {
		m.put(s, keep(text))
	}
	m.alive = nil
	m.history++
	for w := range m.watches {
		w.broken = true
		w.rouse()
	}
}

// Expire ends a holder's registration as a lease does that ran out: the holder
// learns of it whenever it looks.
func (m *Mem) Expire(holder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.alive[holder]; r != nil {
		delete(m.alive, holder)
		close(r.lost)
		m.tell(counter.Notice{Gone: holder})
	}
}

// Put overwrites the ledger of s with any text; "" removes it. It stands for a
// restore, or for a person with etcdctl.
func (m *Mem) Put(s counter.Series, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(s, keep(text))
}
