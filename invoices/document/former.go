package document

// FindRepeat decides whether numbers that a series prints by f could bear a text
// that another of its numbers was given by former, the format it had before.
// Where both print the number and the date at the same places, a text is that of
// one number only, whichever printed it. Otherwise any text that both can print
// counts.
func FindRepeat(f, former Format, of Names) (Clash, bool) {
	if f.sameShape(former, of) {
		return Clash{}, false
	}
	return FindClash(f, of, former, of)
}

// sameShape reports whether f and g print the number and each part of the date at
// the same places.
func (f Format) sameShape(g Format, of Names) bool {
	one, other := f.cells(of, f.shortest(), 0), g.cells(of, f.shortest(), 0)
	if len(one) != len(other) {
		return false
	}
	for i := range one {
		if one[i].variable != other[i].variable {
			return false
		}
	}
	return true
}
