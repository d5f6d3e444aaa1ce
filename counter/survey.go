package counter

import "slices"

// survey is what became of the numbers of a stock that is shut.
type survey struct {
	unused []Range // never offered, and nobody has them: the holder may free them on its own word
	stuck  []Range // in doubt, or offered and given back: only the owner of the rows can say
	out    int64   // with a taker who has not said yet
}

// clean reports whether the holder alone may hand the block back.
func (s survey) clean() bool { return s.stuck == nil && s.out == 0 }

// survey looks through a stock that is on its way out.
func (s *shelf) survey(st *stock) survey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return st.survey()
}

// survey looks through st. The mutex of its shelf is held, the gate is shut.
func (st *stock) survey() survey {
	var s survey
	for offset := int64(st.spentTo) * perStrip; offset < int64(st.next); offset++ {
		p := placeOf(offset)
		line := st.strips[p.strip()]
		if p.index()%perWord == 0 && line.marks[p.index()/perWord].Load()&allSpent == allSpent {
			offset += perWord - 1 // all sixteen are spent
			continue
		}
		m := line.of(p.index())
		switch given := st.givenBack(p); {
		case m&spent != 0:
		case m&doubtful != 0, given && m&offered != 0:
			s.stuck = extended(s.stuck, st.First+offset)
		case given:
			s.unused = extended(s.unused, st.First+offset)
		default:
			s.out++
		}
	}
	if int64(st.next) < st.Len() {
		s.unused = joined(s.unused, Range{First: st.First + int64(st.next), Last: st.Last})
	}
	return s
}

// givenBack reports whether p was given back and not taken again.
func (st *stock) givenBack(p place) bool {
	if st.again == nil {
		return false
	}
	_, found := slices.BinarySearch(st.again.back, p)
	return found
}

// extended adds the number n, which lies above all of ranges.
func extended(ranges []Range, n int64) []Range { return joined(ranges, Range{First: n, Last: n}) }

// joined adds r, which lies above all of ranges, joining neighbours.
func joined(ranges []Range, r Range) []Range {
	if k := len(ranges); k > 0 && ranges[k-1].Last+1 == r.First {
		ranges[k-1].Last = r.Last
		return ranges
	}
	return append(ranges, r)
}
