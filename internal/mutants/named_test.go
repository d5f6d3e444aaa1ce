package main

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"
	"time"
)

// named are the faults that a simulation of such a counter has to notice, whatever
// else it does, and the mutants that are these faults here.
var named = map[string][]string{
	"versions ignored":                           {"versions-ignored"},
	"reply not recognised":                       {"reply-not-recognised"},
	"identity without serial":                    {"identity-without-serial"},
	"identity without holder":                    {"identity-without-holder"},
	"mark short by one":                          {"mark-short-by-one"},
	"clip at the limit from the new end":         {"clipped-at-the-limit-counted-back-from-the-end"},
	"doubts dropped":                             {"doubts-dropped"},
	"aliased slices":                             {"aliased-slices"},
	"a hand-back that failed and was forgotten":  {"hand-back-given-up-and-forgotten"},
	"a sweep during a refill":                    {"sweep-during-a-refill", "shelf-put-away-during-a-refill"},
	"a settle that frees a number with a row":    {"settled-without-asking"},
	"a seek that does not reach memory":          {"call-in-does-not-reach-the-shelf"},
	"a block that leaves when taken, not spent":  {"taken-is-enough-to-leave"},
	"two reservations of one holder at one time": {"seek-beside-a-refill"},
}

// It takes half a minute: each is planted, and the simulation runs until it notices.
func TestTheSimulationNoticesEachNamedFault(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var chosen []mutant
	for _, fault := range slices.Sorted(maps.Keys(named)) {
		for _, name := range named[fault] {
			i := slices.IndexFunc(mutants(), func(m mutant) bool { return m.name == name })
			if i < 0 {
				t.Fatalf("%s: there is no mutant %s", fault, name)
			}
			m := mutants()[i]
			if m.run() != simulation || m.also != passed {
				t.Errorf("%s: %s is for %s to notice, want the simulation, by a report", fault, name, m.run())
			}
			chosen = append(chosen, m)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var told bytes.Buffer
	h := &hunt{source: root, seeds: 100, atOnce: 2, timeout: 5 * time.Minute, out: &told}
	if err := h.run(ctx, chosen); err != nil {
		t.Errorf("%v:\n%s", err, &told)
	}
}
