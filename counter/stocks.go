package counter

import "iter"

// stocks are the blocks of a shelf, ascending by their first number: a chain, as
// most shelves have one. The zero stocks are empty.
type stocks struct{ lowest *stock }

// all goes through them in order; the present one may be removed.
func (l *stocks) all() iter.Seq[*stock] {
	return func(yield func(*stock) bool) {
		for st := l.lowest; st != nil; {
			after := st.after
			if !yield(st) {
				return
			}
			st = after
		}
	}
}

func (l *stocks) insert(st *stock) {
	at := &l.lowest
	for *at != nil && (*at).First < st.First {
		at = &(*at).after
	}
	st.after, *at = *at, st
}

func (l *stocks) remove(gone func(*stock) bool) {
	for at := &l.lowest; *at != nil; {
		if gone(*at) {
			*at = (*at).after
		} else {
			at = &(*at).after
		}
	}
}

func (l *stocks) any(is func(*stock) bool) bool {
	for st := range l.all() {
		if is(st) {
			return true
		}
	}
	return false
}
