package model

import (
	"slices"
	"strings"
)

// Rule is one rule of the protocol that an exploration can leave out.
type Rule uint8

// The rules.
const (
	Fence          Rule = iota // a dead holder is fenced before its blocks are settled
	FenceWaits                 // the fence waits for the batch in flight (FOR SHARE, not FOR KEY SHARE)
	FenceSeen                  // the settler reads in the snapshot of the rows that the fence is there
	EnrolInEra                 // a holder's row is stored only while the era is the one that was read
	WriteInEra                 // a write is refused if its holder's era is not the present one
	BlockInEra                 // a block of an earlier era is settled as void, never as free
	OneSnapshot                // the settler reads era and rows in one statement
	EraOrder                   // a settler leaves a block of a later era alone
	ValueCompare               // a swap compares the whole value, not the revision
	WholeIdentity              // after an unknown outcome a block is known by serial, holder and range
	FloorAsked                 // the owner is asked for the floor on a ledger seen anew
	FloorKept                  // the floor outlives a failed swap
	VoidsFirst                 // skipped numbers are void before the mark covers them
	Sweep                      // after a failover what is neither row, held nor free becomes void
	SweepAgain                 // a sweep is repeated until the ledger it read holds no block of an earlier era
	HeldUntilSpent             // a block stays held until its numbers are spent, not merely taken
	KnownHandBack              // after a restore of etcd a block that the shelf does not know is settled, not handed back
	PrimaryKey                 // one row per number
	AckAfterCommit             // an invoice is acknowledged after its row is committed
	Gate                       // a Postgres that went back is not written to in the era that it was in
	ruleCount
)

var ruleNames = [ruleCount]string{
	"fence", "fence-waits", "fence-seen", "enrol-in-era", "write-in-era", "block-in-era", "one-snapshot", "era-order",
	"value-compare", "whole-identity", "floor-asked", "floor-kept", "voids-first", "sweep", "sweep-again",
	"held-until-spent", "known-hand-back", "primary-key", "ack-after-commit", "gate",
}

func (r Rule) String() string { return ruleNames[r] }

// ParseRule finds a rule by its name.
func ParseRule(name string) (Rule, bool) {
	i := slices.Index(ruleNames[:], name)
	return Rule(max(i, 0)), i >= 0
}

// RuleNames lists the names of the rules, for a usage line.
func RuleNames() string { return strings.Join(ruleNames[:], " ") }

// Rules is a set of rules.
type Rules uint32

// Without returns the set of the rules that are left out.
func Without(rules ...Rule) Rules {
	var set Rules
	for _, r := range rules {
		set |= 1 << r
	}
	return set
}

// keeps reports whether r is obeyed when the rules in set are left out.
func (set Rules) keeps(r Rule) bool { return set&(1<<r) == 0 }
