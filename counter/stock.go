package counter

import "slices"

// fate is what a holder knows of one number of its blocks. It only moves
// forward, except that a returned number can be taken again.
type fate uint8

const (
	untaken  fate = iota // never given to anybody
	taken                // given, not offered: no write with it was ever sent
	offered              // a write with it may have been sent
	doubtful             // nobody can say
	returned             // taken, never offered, and given back
	refused              // offered, certainly not stored, and given back
	spent                // a row is stored
)

// stock is a block on a shelf, and what became of its numbers so far. It is
// guarded by the mutex of its shelf.
type stock struct {
	Block
	shelf *shelf

	fates   []fate  // by number, from First
	next    int64   // the lowest number never taken
	back    []int64 // returned and refused numbers, ascending; they go first
	unspent int64   // numbers that are not spent yet
}

func newStock(b Block, s *shelf) *stock {
	return &stock{Block: b, shelf: s, fates: make([]fate, b.Len()), next: b.First, unspent: b.Len()}
}

func (st *stock) fate(n int64) fate { return st.fates[n-st.First] }

// left returns how many numbers can be taken.
func (st *stock) left() int64 { return st.Last - st.next + 1 + int64(len(st.back)) }

// take gives the lowest number that can be taken; left is at least 1.
func (st *stock) take() Number {
	var n int64
	if len(st.back) > 0 {
		n, st.back = st.back[0], st.back[1:]
	} else {
		n = st.next
		st.next++
	}
	if st.fate(n) != refused {
		st.fates[n-st.First] = taken
	} else {
		st.fates[n-st.First] = offered // once offered, always offered
	}
	return Number{value: n, from: st}
}

// set moves n forward to f and reports whether it did: a fate that is settled,
// or further on, stays.
func (st *stock) set(n int64, f fate) bool {
	switch was := st.fate(n); {
	case was == spent || was == untaken || was == returned || was == refused:
		return false
	case f == spent:
		st.unspent--
	case f <= was:
		return false
	}
	st.fates[n-st.First] = f
	return true
}

// giveBack takes n among the numbers that go first.
func (st *stock) giveBack(n int64) bool {
	switch st.fate(n) {
	case taken:
		st.fates[n-st.First] = returned
	case offered:
		st.fates[n-st.First] = refused
	default:
		return false
	}
	i, _ := slices.BinarySearch(st.back, n)
	st.back = slices.Insert(st.back, i, n)
	return true
}

// drained reports whether every number is spent: then the block may leave the
// ledger. That all are taken is not enough.
func (st *stock) drained() bool { return st.unspent == 0 }

// unused returns the numbers that were never offered, as ranges. It reports
// false if some number is neither spent nor one of these: then the block cannot
// be handed back on the holder's word.
func (st *stock) unused() ([]Range, bool) {
	var free []Range
	for n := st.First; n <= st.Last; n++ {
		switch st.fate(n) {
		case spent:
		case untaken, returned:
			if k := len(free); k > 0 && free[k-1].Last == n-1 {
				free[k-1].Last = n
			} else {
				free = append(free, Range{First: n, Last: n})
			}
		default:
			return nil, false
		}
	}
	return free, true
}
