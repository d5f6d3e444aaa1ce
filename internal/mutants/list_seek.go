package main

// seekMutants break what an acknowledged seek promises: no number up to its mark
// is given any more, by anybody.
func seekMutants() []mutant {
	return []mutant{
		{
			name:  "call-in-does-not-reach-the-shelf",
			rule:  "A seek reaches what replicas have in memory: they would go on giving numbers below its mark.",
			file:  "counter/recall.go",
			old:   "sh != nil && sh.callIn(last) {",
			new:   "sh != nil && last < 0 && sh.callIn(last) {",
			tests: "^TestAfterASeekEveryReplicaGoesOnAboveTheMark$",
		},
		{
			name:  "seek-does-not-wait",
			rule:  "A seek is acknowledged when no block below its mark is left in the ledger, and not before.",
			file:  "counter/seek.go",
			old:   "return len(k.waiting) == 0 && !free",
			new:   "return !free",
			tests: "^TestAfterASeekEveryReplicaGoesOnAboveTheMark$",
		},
		{
			name:  "seek-passes-over-free-ranges",
			rule:  "What was free below the mark of a seek is void: else it is given after the seek.",
			file:  "counter/ledger.go",
			old:   "for len(next.Free) > 0 && next.Free[0].First <= mark {",
			new:   "for len(next.Free) > 0 && next.Free[0].First < 0 {",
			tests: "^TestSettingAsideLeavesNothingToGiveUpToTheMark$",
		},
		{
			name:  "skipped-without-a-void",
			rule:  "Numbers that a seek skips are void in the owner's book before they leave the ledger: else they are missing.",
			file:  "counter/seek.go",
			old:   "\tif err := k.life.voidOf(ctx, k.series, ranges, \"seek\"); err != nil {\n\t\treturn err\n\t}\n",
			new:   "",
			tests: "^TestAfterASeekEveryReplicaGoesOnAboveTheMark$",
		},
		{
			name:  "stuck-without-a-void",
			rule:  "A number in doubt that a seek makes an end of is void, or has a row: the void is asked for before the block is released.",
			file:  "counter/recall.go",
			old:   "\t\tif err := l.voidOf(l.ctx, s.series, stuck, \"seek\"); err != nil {\n\t\t\treturn err\n\t\t}\n",
			new:   "",
			tests: "^TestNumbersInDoubtOrRefusedDoNotHoldASeekUp$",
		},
		{
			name:  "set-aside-and-not-noted",
			rule:  "What a seek may have reserved is noted before it is sent: a seek that is repeated must find it.",
			file:  "counter/seek.go",
			old:   "\t\tk.life.noteAside(k.series, added) // before it is sent: the outcome may stay unknown\n",
			new:   "",
			tests: "^TestAfterASeekEveryReplicaGoesOnAboveTheMark$",
		},
	}
}
