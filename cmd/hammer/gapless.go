package main

import (
	"maps"
	"slices"
)

// The kinds of breaches of a strict series.
const (
	hole       = "hole in a strict series"
	misordered = "number of a strict series out of order"
)

// verifyGapless holds a strict series against what it promises beyond the rest:
// its numbers are 1, 2, 3 … without a hole, in the order of the commits. Of the
// order the outside sees this much: a request that was sent after another's
// number was known gets a higher one. It is a pure function of the two.
func verifyGapless(requests map[string]*request, listed map[int][]document) []breach {
	v := &verifier{requests: requests, listed: listed}
	for _, tenant := range slices.Sorted(maps.Keys(listed)) {
		v.holes(tenant, listed[tenant])
	}
	for _, id := range slices.Sorted(maps.Keys(requests)) {
		v.order(requests[id])
	}
	return v.broken
}

// holes finds the numbers from 1 to the highest that are not stored.
func (v *verifier) holes(tenant int, documents []document) {
	periods := make(map[string][]int64)
	for _, d := range documents {
		periods[d.Period] = append(periods[d.Period], d.Number)
	}
	for _, period := range slices.Sorted(maps.Keys(periods)) {
		numbers := periods[period]
		slices.Sort(numbers)
		next := int64(1)
		for _, n := range numbers {
			if n > next {
				v.report(hole, "tenant %d, period %q has no number %d to %d", tenant+1, period, next, n-1)
			}
			next = max(next, n+1)
		}
	}
}

// order: a request got a number above all that were known when it was first sent.
func (v *verifier) order(r *request) {
	if len(r.Answers) == 0 {
		return
	}
	told := r.Answers[0]
	if known := r.After[told.Period]; told.Number <= known {
		v.report(misordered, "%s got number %d, although %d was known before it was sent", r.ID, told.Number, known)
	}
}
