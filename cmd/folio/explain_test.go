package main

import (
	"bytes"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices"
)

func TestTheWordsOfOthersDoNothingToATerminal(t *testing.T) {
	var out bytes.Buffer
	printExplanation(&out, counter.Series{Tenant: "acme", Name: "shop"}, invoices.Explanation{
		Number: 4, State: "void", Summary: "The reason given: a\x1b[2Jb\nc",
		Void: &invoices.ExplainedVoid{Reason: "a\x1b[2Jb\nc", Known: "of \u202eReißbrett"},
	})
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, `a\x1b[2Jb\nc`+"\n") || !strings.Contains(got, "Reißbrett") {
		t.Errorf("%q", got)
	}
	out.Reset()
	printStatement(&out, counter.Series{}, invoices.Statement{Void: invoices.StatedVoid{Reasons: []invoices.StatedReason{{Reason: "a\x1b\nb"}}}})
	if got := out.String(); strings.Contains(got, "\x1b") || !strings.Contains(got, `a\x1b\nb `) {
		t.Errorf("%q", got)
	}
}

func TestThatNobodyKnowsMakesTheExitStatusOne(t *testing.T) {
	for state, want := range map[string]bool{"issued": false, "not_reserved": false, "held": false, "unknown": true, "unaccounted": true} {
		if err := nobodyKnows(state); (err != nil) != want {
			t.Errorf("%s: %v", state, err)
		}
	}
}
