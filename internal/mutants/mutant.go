package main

import (
	"fmt"
	"strings"
)

// simulation is the test that must notice a mutant, unless the list says otherwise.
const simulation = "^TestSimulation$"

// mutant is one fault: a text of one file that is replaced by another.
type mutant struct {
	name string
	rule string // what the rule it breaks is for
	file string // below the module's root
	old  string // occurs exactly once
	new  string // compiles in its place

	tests string  // which tests must notice; "": the simulation
	also  outcome // hung or crashed, if that is how it may be noticed too
}

// run returns the tests that must notice.
func (m mutant) run() string {
	if m.tests == "" {
		return simulation
	}
	return m.tests
}

// plant returns text with the fault in it.
func (m mutant) plant(text string) (string, error) {
	if n := strings.Count(text, m.old); m.old == "" || n != 1 {
		return "", fmt.Errorf("the text to replace occurs %d times in %s, want once:\n%s", n, m.file, m.old)
	}
	if m.new == m.old {
		return "", fmt.Errorf("the replacement in %s replaces nothing:\n%s", m.file, m.old)
	}
	return strings.Replace(text, m.old, m.new, 1), nil
}

// killedBy reports whether v shows that the fault was noticed.
func (m mutant) killedBy(v verdict) bool {
	return v.outcome == broken || v.outcome == m.also && m.also != passed
}
