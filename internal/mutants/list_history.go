package main

// historyMutants break what is done about a store that was restored, or whose keys
// went missing.
func historyMutants() []mutant {
	return []mutant{
		{
			name:  "floor-not-asked-for",
			rule:  "A ledger behind what its owner knows to be spent is raised before anything is reserved.",
			file:  "counter/reserve.go",
			old:   "if !r.floored {",
			new:   "if r.seen < 0 {",
			tests: "^TestALedgerThatWentBackIsRaisedWhenItsSeriesIsFirstUsed$",
		},
		{
			name:  "ledger-that-went-back-is-trusted",
			rule:  "A mark below one this holder has seen is a ledger that went back in time: numbers above it were given.",
			file:  "counter/reserve.go",
			old:   "if (v == \"\" || led.Mark < r.seen) && !r.asked {",
			new:   "if v == \"\" && !r.asked {",
			tests: "^TestALedgerThatGoesBackUnderItsHolderIsNoticedAtTheNextRefill$",
		},
		{
			name:  "missing-ledger-is-a-new-series",
			rule:  "A ledger that is missing may be one that was lost: its owner is asked before the series starts from its first number.",
			file:  "counter/reserve.go",
			old:   "if (v == \"\" || led.Mark < r.seen) && !r.asked {",
			new:   "if v != \"\" && led.Mark < r.seen && !r.asked {",
			tests: "^TestAMissingLedgerDoesNotStartFromOne$",
		},
		{
			name:  "raised-without-a-void",
			rule:  "Numbers that a raised mark skips are void before the mark covers them: else they are missing.",
			file:  "counter/raise.go",
			old:   "\t\tif err := l.skip(ctx, s, led, floor); err != nil {\n\t\t\treturn led, err\n\t\t}\n",
			new:   "",
			tests: "^TestAMissingLedgerDoesNotStartFromOne$",
		},
		{
			name:  "spent-and-still-free",
			rule:  "After a restore of the store a free number that has a row is free no more: were its row lost later, it would be given again.",
			file:  "counter/takeout.go",
			old:   "rest := minus(f.Range, spent)",
			new:   "rest := []Range{f.Range}",
			tests: "^TestWhatAnOlderLedgerCallsFreeAndHasARowIsFreeNoMore$",
		},
		{
			name: "names-used-again",
			rule: "No two lives share a name: the fence of the one would bar the other, or let it pass.",
			file: "counter/allocator.go",
			old:  "\trand.Read(random[:]) // never fails, see crypto/rand\n",
			new:  "\t_ = rand.Read\n",
		},
	}
}
