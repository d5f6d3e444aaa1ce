package counter_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// simCounts say how often the rare states came about.
type simCounts struct {
	rows, fenced, unknown, settled, lives, seeks, batches, halfway, raised, forfeited, exhausted, together atomic.Int64
}

func (c *simCounts) all() map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{
		"rows": &c.rows, "fenced writes": &c.fenced, "unknown outcomes": &c.unknown, "blocks settled": &c.settled,
		"lives": &c.lives, "seeks": &c.seeks, "batches": &c.batches, "settlers that crashed half-way": &c.halfway,
		"marks raised": &c.raised, "numbers forfeited": &c.forfeited, "exhausted": &c.exhausted,
		"series handed back together": &c.together,
	}
}

func (c *simCounts) String() string {
	text := ""
	for _, name := range []string{"rows", "lives", "fenced writes", "unknown outcomes", "blocks settled", "settlers that crashed half-way",
		"seeks", "batches", "marks raised", "numbers forfeited", "exhausted", "series handed back together"} {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprint(c.all()[name].Load(), " ", name)
	}
	return text
}

func (c *simCounts) lacks() (names string) {
	for name, n := range c.all() {
		if n.Load() == 0 {
			names += name + " "
		}
	}
	return names
}

func (w *world) judgeAll() {
	for _, s := range simSeries {
		w.judge(s)
	}
}

// judge is the oracle: it looks at what is left when all is over.
func (w *world) judge(s counter.Series) {
	l, _, err := w.mem.Load(w.t.Context(), s)
	if err == nil {
		err = l.Check()
	}
	if err != nil {
		w.breach(s, nil, "the ledger cannot be read: %v", err)
		return
	}
	if w.rules.Limit > 0 && l.Mark > max(w.rules.Limit, w.tried[s]) {
		w.breach(s, nil, "the mark %d is beyond the limit %d and every seek", l.Mark, w.rules.Limit)
	}
	if len(l.Held) > 0 {
		w.breach(s, nil, "still held at the end: %v", l.Held)
	}
	if !w.ownerly {
		return
	}
	if odd := countertest.Unaccounted(l, w.rows, s); odd != nil {
		w.breach(s, odd, "unaccounted: %v in %+v", odd, l)
	}
	for _, f := range l.Free {
		for n := f.First; n <= f.Last && !w.restores; n++ {
			if row := w.rows.Row(s, n); row != "" {
				w.breach(s, []int64{n}, "%d is free and has a row: %s", n, row)
			}
		}
	}
	if taken := w.rows.Taken(s); taken != nil && !w.restores {
		w.breach(s, taken, "given although they had a row: %v", taken)
	}
}

// breach reports a broken promise, and has the history tell of numbers.
func (w *world) breach(s counter.Series, numbers []int64, format string, args ...any) {
	w.history.tellOf(s, numbers)
	w.t.Errorf("%s: %s", s, fmt.Sprintf(format, args...))
}

// spend notes that a number has a row now; nobody may have spent it before.
func (w *world) spend(s counter.Series, n int64, who string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.given[s] == nil {
		w.given[s] = map[int64]string{}
	}
	if before, twice := w.given[s][n]; twice {
		w.breach(s, []int64{n}, "%d was spent by %s and then by %s", n, before, who)
	}
	w.given[s][n] = who
	w.total.rows.Add(1)
}

// soughtSoFar returns up to where s has been sought.
func (w *world) soughtSoFar(s counter.Series) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sought[s]
}

func (w *world) noteTried(s counter.Series, mark int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tried[s] = max(w.tried[s], mark)
}

func (w *world) noteSought(s counter.Series, mark int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sought[s] = max(w.sought[s], mark)
	w.total.seeks.Add(1)
}

func TestTheSimulationObjectsToANumberSpentTwice(t *testing.T) {
	inner := &testing.T{}
	w := &world{t: inner, total: &simCounts{}, given: map[counter.Series]map[int64]string{}}
	w.spend(invoices, 7, "a")
	if inner.Failed() {
		t.Error("it objects to a number spent once")
	}
	w.spend(invoices, 7, "b")
	if !inner.Failed() {
		t.Error("a number spent twice went through")
	}
	if !slices.Contains(w.history.numbers[invoices], 7) {
		t.Error("the history would not tell of it")
	}
}
