package countertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"folio/counter"
)

// What a write to [Rows] is refused with.
var (
	ErrFenced = errors.New("the holder is fenced")
	ErrTaken  = errors.New("the number has a row already")
)

// Rows is an owner of rows in memory, with a fence, as the real one has: a
// counter.Owner for tests. The zero Rows is empty.
type Rows struct {
	mu     sync.Mutex
	fenced map[string]bool // enrolled holders, and whether they are fenced
	rows   map[counter.Series]map[int64]string
	taken  map[counter.Series][]int64
}

// Write stores a row, unless its holder is fenced or the number has one.
func (r *Rows) Write(b counter.Block, s counter.Series, number int64, content string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fenced, enrolled := r.fenced[b.Holder]; !enrolled || fenced {
		return fmt.Errorf("write %s %d: %w", s, number, ErrFenced)
	}
	if _, ok := r.rows[s][number]; ok {
		if r.taken == nil {
			r.taken = make(map[counter.Series][]int64)
		}
		r.taken[s] = append(r.taken[s], number)
		return fmt.Errorf("write %s %d: %w", s, number, ErrTaken)
	}
	r.put(s, number, content)
	return nil
}

// Row returns the content of a row; "" if there is none.
func (r *Rows) Row(s counter.Series, number int64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows[s][number]
}

// Taken returns the numbers that had a row already when another was written.
func (r *Rows) Taken(s counter.Series) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken[s])
}

// Enroll implements counter.Owner.
func (r *Rows) Enroll(_ context.Context, holder string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fenced == nil {
		r.fenced = make(map[string]bool)
	}
	if r.fenced[holder] {
		return "", fmt.Errorf("enrol %s: %w", holder, ErrFenced)
	}
	r.fenced[holder] = false
	return "0.1.1", nil
}

// Floor implements counter.Owner.
func (r *Rows) Floor(_ context.Context, s counter.Series) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var floor int64
	for n := range r.rows[s] {
		floor = max(floor, n)
	}
	return floor, nil
}

// Void implements counter.Owner.
func (r *Rows) Void(_ context.Context, holder string, s counter.Series, ranges []counter.Range, reason string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fenced, enrolled := r.fenced[holder]; !enrolled || fenced {
		return fmt.Errorf("void %s: %w: %w", s, counter.ErrLost, ErrFenced)
	}
	for _, within := range ranges {
		for n := within.First; n <= within.Last; n++ {
			if r.rows[s][n] == "" {
				r.put(s, n, "void: "+reason)
			}
		}
	}
	return nil
}

// Settle implements counter.Owner.
func (r *Rows) Settle(_ context.Context, s counter.Series, b counter.Block) ([]counter.Range, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fenced == nil {
		r.fenced = make(map[string]bool)
	}
	r.fenced[b.Holder] = true
	var free []counter.Range
	for n := b.First; n <= b.Last; n++ {
		switch k := len(free); {
		case r.rows[s][n] != "":
		case k > 0 && free[k-1].Last == n-1:
			free[k-1].Last = n
		default:
			free = append(free, counter.Range{First: n, Last: n})
		}
	}
	return free, nil
}

// Spent implements counter.Knower.
func (r *Rows) Spent(_ context.Context, s counter.Series, ranges []counter.Range) ([]counter.Range, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var spent []counter.Range
	for _, within := range ranges {
		for n := within.First; n <= within.Last; n++ {
			switch k := len(spent); {
			case r.rows[s][n] == "":
			case k > 0 && spent[k-1].Last == n-1:
				spent[k-1].Last = n
			default:
				spent = append(spent, counter.Range{First: n, Last: n})
			}
		}
	}
	return spent, nil
}

// put stores a row. r.mu is held.
func (r *Rows) put(s counter.Series, number int64, content string) {
	if r.rows == nil {
		r.rows = make(map[counter.Series]map[int64]string)
	}
	if r.rows[s] == nil {
		r.rows[s] = make(map[int64]string)
	}
	r.rows[s][number] = content
}

// Unaccounted returns the numbers of 1..mark that have no row, are not held and
// not free, and rows above the mark: the oracle of accounting. Nil is what a
// correct system gives.
func Unaccounted(l counter.Ledger, r *Rows, s counter.Series) []int64 {
	var odd []int64
	for n := l.Range().First; n <= l.Mark; n++ {
		if r.Row(s, n) == "" && !inLedger(l, n) {
			odd = append(odd, n)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.rows[s] {
		if n > l.Mark {
			odd = append(odd, n)
		}
	}
	return odd
}

func inLedger(l counter.Ledger, n int64) bool {
	for _, b := range l.Held {
		if b.Contains(n) {
			return true
		}
	}
	for _, f := range l.Free {
		if f.Contains(n) {
			return true
		}
	}
	return false
}
