package accounts_test

import (
	"testing"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// set is a set of the numbers 1 to 20, beside its ranges.
type set struct {
	in     [21]bool
	ranges []counter.Range
}

func drawSet(t *rapid.T, label string) (s set) {
	for n := range s.in {
		s.in[n] = n > 0 && rapid.Bool().Draw(t, label)
	}
	s.ranges = rangesOf(s.in)
	return s
}

// rangesOf tells numbers as ranges, number by number.
func rangesOf(in [21]bool) (ranges []counter.Range) {
	for n := int64(1); n <= 20; n++ {
		switch k := len(ranges); {
		case !in[n]:
		case k > 0 && ranges[k-1].Last == n-1:
			ranges[k-1].Last = n
		default:
			ranges = append(ranges, r(n, n))
		}
	}
	return ranges
}

func TestRangesAreSetsOfNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSet(t, "a"), drawSet(t, "b")
		var without, both, either [21]bool
		count := int64(0)
		for n := range a.in {
			without[n], both[n], either[n] = a.in[n] && !b.in[n], a.in[n] && b.in[n], a.in[n] || b.in[n]
			if a.in[n] {
				count++
			}
		}
		for _, of := range []struct {
			name string
			got  []counter.Range
			want [21]bool
		}{
			{"without", accounts.Without(a.ranges, b.ranges), without},
			{"both", accounts.Both(a.ranges, b.ranges), both},
			{"merged", accounts.Merged(append(b.ranges[:len(b.ranges):len(b.ranges)], a.ranges...)), either},
		} {
			if diff := cmp.Diff(rangesOf(of.want), of.got); diff != "" {
				t.Fatalf("%s of %v and %v, want (-) got (+):\n%s", of.name, a.ranges, b.ranges, diff)
			}
		}
		if accounts.Total(a.ranges) != count || accounts.Total(accounts.Pieces(a.ranges, 3)) != count {
			t.Fatalf("%v are %d numbers", a.ranges, accounts.Total(a.ranges))
		}
		for _, p := range accounts.Pieces(a.ranges, 3) {
			if p.Len() < 1 || p.Len() > 3 {
				t.Fatalf("a piece of %d numbers", p.Len())
			}
		}
		window := r(int64(rapid.IntRange(1, 20).Draw(t, "first")), int64(rapid.IntRange(0, 20).Draw(t, "last")))
		if diff := cmp.Diff(accounts.Both(a.ranges, accounts.Merged([]counter.Range{window})), accounts.Within(window, a.ranges)); diff != "" {
			t.Fatalf("%v within %v: %s", a.ranges, window, diff)
		}
	})
}
