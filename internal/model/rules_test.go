package model

import (
	"strings"
	"testing"
)

// The worlds of the tests are as small as they can be for the rules to matter.
var (
	paused   = Config{Name: "paused", Lives: 2, Numbers: 2, Blocks: 2, Count: 1, Pauses: 1, Strays: 1, Doubts: 1}
	failover = Config{Name: "failover", Lives: 2, Numbers: 2, Blocks: 2, Count: 1, Pauses: 1, Failover: true}
	settlers = Config{Name: "settlers", Lives: 3, Numbers: 1, Blocks: 1, Count: 1, Pauses: 1, Failover: true}
	stale    = Config{Name: "stale", Lives: 2, Numbers: 1, Blocks: 1, Count: 1, Kills: 1, Pauses: 1, Failover: true, Stale: true}
	restore  = Config{Name: "restore", Lives: 1, Numbers: 3, Blocks: 3, Count: 2, Strays: 1, Doubts: 1, Restore: true}
	handBack = Config{Name: "hand-back", Lives: 2, Numbers: 2, Blocks: 3, Count: 1, HandBacks: 1, Restore: true}
	stopped  = Config{Name: "stopped", Lives: 1, Numbers: 2, Blocks: 2, Count: 1, Strays: 1, Stops: 1, Restore: true}
	voided   = Config{Name: "voided", Lives: 2, Numbers: 3, First: 2, Blocks: 2, Count: 2, Kills: 1, Doubts: 1, VoidOnLoss: true}
)

func TestTheWholeProtocolKeepsItsPromises(t *testing.T) {
	var happened [verbCount]bool
	for _, world := range []Config{paused, failover, settlers, stale, restore, handBack, stopped, voided} {
		t.Run(world.Name, func(t *testing.T) {
			for v, did := range mustHold(t, world).happened {
				happened[v] = happened[v] || did
			}
		})
	}
	for v, did := range happened {
		if !did && verb(v) != asksNobody {
			t.Errorf("it never came about: %s", texts[v])
		}
	}
}

func mustHold(t *testing.T, world Config) Result {
	t.Helper()
	r := Explore(t.Context(), world, 0)
	t.Logf("%d states, depth %d, %v", r.States, r.Depth, r.Took)
	if r.Breach != "" {
		t.Errorf("%s:\n%s", r.Breach, strings.Join(r.History, "\n"))
	} else if !r.Exhausted {
		t.Error("not every state was reached")
	}
	return r
}

// There are two walls: while etcd keeps what it was told, the ledger and the
// fence keep numbers unique without the primary key.
func TestTheLedgerAndTheFenceAloneKeepNumbersUnique(t *testing.T) {
	world := paused
	world.Without = Without(PrimaryKey)
	mustHold(t, world)
	t.Run("but not without the fence", func(t *testing.T) {
		world.Without = Without(PrimaryKey, Fence)
		mustBreak(t, world, freeAndIssued)
	})
}

// Who restores both stores to before the same grant has nobody left who
// remembers it.
func TestBothStoresBackToBeforeTheSameGrantIsTheKnownLimit(t *testing.T) {
	world := Config{Name: "both", Lives: 2, Numbers: 1, Blocks: 1, Count: 1, Failover: true, Restore: true}
	world.only = notUnique
	mustBreak(t, world, notUnique)
	t.Run("but not if the standby lacks nothing", func(t *testing.T) {
		world.Synced, world.only = true, none
		mustHold(t, world)
	})
}

// A free number that was issued is not the worst: told to mind nothing but
// acknowledgements, the exploration goes on to two invoices with one number.
func TestWithoutAnEraRuleANumberIsAcknowledgedTwice(t *testing.T) {
	for _, tt := range []struct {
		rule  Rule
		world Config
	}{
		{WriteInEra, failover},
		{BlockInEra, failover},
		{EraOrder, stale},
		{FenceSeen, stale},
		{Gate, failover},
	} {
		t.Run(tt.rule.String(), func(t *testing.T) {
			world := tt.world
			world.Blocks = 2
			world.Without, world.only = Without(tt.rule), notUnique
			mustBreak(t, world, notUnique)
		})
	}
}

// Every rule is needed: in the world where the whole protocol holds, leaving out
// the rule alone breaks a promise.
func TestWithoutARuleAPromiseIsBroken(t *testing.T) {
	for _, tt := range []struct {
		rule   Rule
		world  Config
		breach breach
	}{
		{Fence, paused, freeAndIssued},
		{FenceWaits, paused, freeAndIssued},
		{FenceSeen, stale, freeAndIssued},
		{EnrolInEra, stale, freeAndIssued},
		{WriteInEra, failover, notApart},
		{BlockInEra, failover, freeAndIssued},
		{OneSnapshot, settlers, freeAndIssued},
		{EraOrder, stale, freeAndIssued},
		{ValueCompare, handBack, givenAgain},
		{WholeIdentity, paused, notApart},
		{FloorAsked, restore, givenAgain},
		{FloorKept, restore, givenAgain},
		{VoidsFirst, handBack, unaccounted},
		{Sweep, failover, unaccounted},
		{SweepAgain, stale, unaccounted},
		{HeldUntilSpent, paused, unaccounted},
		{AckAfterCommit, paused, notKept},
		{KnownHandBack, stopped, freeAndIssued},
		{PrimaryKey, handBack, notUnique},
		{Gate, failover, unaccounted},
	} {
		t.Run(tt.rule.String(), func(t *testing.T) {
			world := tt.world
			world.Without = Without(tt.rule)
			mustBreak(t, world, tt.breach)
		})
	}
}

func mustBreak(t *testing.T, world Config, want breach) {
	t.Helper()
	r := Explore(t.Context(), world, 0)
	if r.Breach != want.String() {
		t.Fatalf("after %d states: %q, want %q", r.States, r.Breach, want)
	}
	if len(r.History) != r.Depth {
		t.Errorf("the history has %d steps, found at depth %d", len(r.History), r.Depth)
	}
	t.Logf("%d states: %s\n%s", r.States, r.Breach, strings.Join(r.History, "\n"))
}
