package model

import (
	"context"
	"strings"
	"testing"

	"folio/counter"
)

func TestAnExplorationThatIsStoppedSaysSo(t *testing.T) {
	r := Explore(t.Context(), paused, 1000)
	if r.Exhausted || r.Breach != "" || r.States < 1000 {
		t.Errorf("stopped at 1000 states: %+v", r)
	}
	if line := r.Report(""); !strings.Contains(line, "stopped before the end") {
		t.Errorf("the report says: %s", line)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Explore(ctx, paused, 0); r.Exhausted {
		t.Error("interrupted, and it says that it was through")
	}
}

func TestTheHistoryOfABreachIsReported(t *testing.T) {
	world := paused
	world.Without = Without(AckAfterCommit)
	report := Explore(t.Context(), world, 0).Report("")
	for _, want := range []string{"BROKEN", notKept.String(), "1. a begins", "[mark 1, a holds 1]"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
}

func TestEqualStatesAreSeenOnceAndOthersNot(t *testing.T) {
	v := newVisited()
	var s state
	for n := range 20_000 {
		s.etcd.ledger, s.kills = ledgerID(n), uint8(n>>16)
		if !v.add(s) {
			t.Fatalf("state %d is taken for another", n)
		}
	}
	if v.add(s) {
		t.Error("the same state is new again")
	}
}

func TestALedgerIsNamedByItsWholeValue(t *testing.T) {
	b := newBooks()
	l, _, err := counter.Ledger{}.Reserve(counter.Want{Holder: "a", Era: "1", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := counter.Ledger{}.Reserve(counter.Want{Holder: "a", Era: "2", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	first, second := b.id(l), b.id(other)
	if first == 0 || first == second || first != b.id(l) {
		t.Errorf("names: %d, %d, and again %d", first, second, b.id(l))
	}
	defer func() {
		if recover() == nil {
			t.Error("a damaged ledger is let through")
		}
	}()
	l.Mark = 0
	b.id(l)
}

func TestEveryFamilyHasTwoSizesWithinBounds(t *testing.T) {
	for _, f := range Families() {
		for _, size := range []string{"coarse", "large"} {
			c, err := f.Config(size)
			if err != nil || c.Name == "" || c.Lives < 1 || c.Lives > maxLives || c.Numbers < 1 || c.Numbers > maxNumber || c.Blocks < 1 || c.Count < 1 {
				t.Errorf("%s, %s: %+v, %v", f.Name, size, c, err)
			}
		}
	}
}
