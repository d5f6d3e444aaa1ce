package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestTheBooksTellWhoDiedHoldingWhatAndSinceWhenItIsSettled(t *testing.T) {
	b := newBooks(nil)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	look := func(seconds int, keys ...string) {
		b.fold(at.Add(time.Duration(seconds)*time.Second), strings.Join(keys, "\n\n"))
	}
	look(0, "/folio/held/p-1.aa/t/invoice/2026", "/folio/held/p-1.aa/t/s/-", "/folio/holders/p-1.aa", "/folio/holders/p-10.bb")
	if held := b.holders("p-1"); len(held) != 1 || held["p-1.aa"] != 2 {
		t.Errorf("holders of p-1: %v", held)
	}
	look(1, "/folio/held/p-1.aa/t/s/-", "/folio/holders/p-10.bb")
	if gone := b.gone(); len(gone) != 1 || gone[0] != "p-1.aa" {
		t.Errorf("gone: %v", gone)
	}
	if _, ok := b.cleared("p-1.aa"); ok {
		t.Error("a holder that still holds is taken for settled")
	}
	look(7, "/folio/holders/p-10.bb")
	look(9, "/folio/holders/p-10.bb")
	if since, ok := b.cleared("p-1.aa"); !ok || !since.Equal(at.Add(7*time.Second)) {
		t.Errorf("settled since %v, %t", since, ok)
	}
	if n := b.lastHeld("p-1.aa"); n != 1 {
		t.Errorf("it last held %d", n)
	}
	if gone := b.gone(); len(gone) > 0 {
		t.Errorf("gone: %v", gone)
	}
}

func TestFailuresAreCountedForEachRequestWithinTheFault(t *testing.T) {
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := fault{Begun: begun, Ended: begun.Add(10 * time.Second)}
	at := func(s int, kind, request string) happening {
		return happening{At: begun.Add(time.Duration(s) * time.Second), Kind: kind, Request: request}
	}
	f.count([]happening{
		at(-1, "failed", "a"), at(1, "failed", "a"), at(2, "answered", "a"),
		at(3, "failed", "b"), at(4, "failed", "b"), at(5, "answered", "b"), at(5, "sent", "c"), at(11, "answered", "c"),
	})
	if f.Acknowledged != 2 || f.Once != 1 || f.Twice != 1 {
		t.Errorf("acknowledged %d, failed once %d, more often %d", f.Acknowledged, f.Once, f.Twice)
	}
}

// The run follows the steps that an operator reads: they are there, and name the member
// that loses its volume.
func TestTheStepsOfTheReadmeAreFound(t *testing.T) {
	t.Chdir("../..")
	steps, err := stepsFor("elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(steps, "-n folio ") || !strings.Contains(steps, "-n elsewhere delete pod "+lostMember) || !strings.Contains(steps, "member remove") {
		t.Errorf("the steps are:\n%s", steps)
	}
	if text, err := os.ReadFile("docs/kubernetes.md"); err != nil || !strings.Contains(string(text), begin) {
		t.Errorf("the page has no place for the table: %v", err)
	}
}
