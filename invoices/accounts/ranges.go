package accounts

import (
	"cmp"
	"fmt"
	"slices"

	"folio/counter"
)

// Without returns the numbers of whole that lie in none of parts. Both are
// ascending; parts may touch or overlap.
func Without(whole, parts []counter.Range) []counter.Range {
	var left []counter.Range
	for _, w := range whole {
		for len(parts) > 0 && parts[0].Last < w.First {
			parts = parts[1:]
		}
		for _, p := range parts {
			if p.First > w.Last {
				break
			}
			if p.First > w.First {
				left = append(left, counter.Range{First: w.First, Last: p.First - 1})
			}
			w.First = max(w.First, p.Last+1)
		}
		if w.Len() > 0 {
			left = append(left, w)
		}
	}
	return left
}

// Both returns the numbers that lie in a and in b, each ascending and apart.
func Both(a, b []counter.Range) []counter.Range { return Without(a, Without(a, b)) }

// Merged returns the numbers that lie in any of parts, ascending and apart.
func Merged(parts []counter.Range) []counter.Range {
	sorted := slices.DeleteFunc(slices.Clone(parts), func(r counter.Range) bool { return r.Len() == 0 })
	slices.SortFunc(sorted, func(a, b counter.Range) int { return cmp.Compare(a.First, b.First) })
	var out []counter.Range
	for _, p := range sorted {
		if n := len(out); n > 0 && p.First <= out[n-1].Last+1 {
			out[n-1].Last = max(out[n-1].Last, p.Last)
			continue
		}
		out = append(out, p)
	}
	return out
}

// Total counts the numbers of parts that lie apart.
func Total(parts []counter.Range) (n int64) {
	for _, p := range parts {
		n += p.Len()
	}
	return n
}

// Pieces cuts ranges into ranges of at most size numbers.
func Pieces(ranges []counter.Range, size int64) []counter.Range {
	var out []counter.Range
	for _, r := range ranges {
		for r.Len() > size {
			out = append(out, counter.Range{First: r.First, Last: r.First + size - 1})
			r.First += size
		}
		if r.Len() > 0 {
			out = append(out, r)
		}
	}
	return out
}

// Within returns the numbers of ranges, ascending and apart, that lie in r.
func Within(r counter.Range, ranges []counter.Range) []counter.Range {
	var in []counter.Range
	for _, one := range ranges {
		one.First, one.Last = max(one.First, r.First), min(one.Last, r.Last)
		if one.Len() > 0 {
			in = append(in, one)
		}
	}
	return in
}

// Text names up to ten ranges.
func Text(ranges []counter.Range) string {
	const most = 10
	text := ""
	for i, r := range ranges {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(ranges)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += r.String()
	}
	return text
}
