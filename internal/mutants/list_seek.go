package main

// seekMutants break what an acknowledged seek promises: no number up to its mark
// is given any more, by anybody.
func seekMutants() []mutant {
	return []mutant{
		{
			name: "call-in-does-not-reach-the-shelf",
			rule: "A seek reaches what replicas have in memory: they would go on giving numbers below its mark.",
			file: "counter/recall.go",
			old:  "sh != nil && sh.callIn(last) {",
			new:  "sh != nil && last < 0 && sh.callIn(last) {",
		},
		{
			name: "seek-does-not-wait",
			rule: "A seek is acknowledged when no block below its mark is left in the ledger, and not before.",
			file: "counter/seek.go",
			old:  "return len(k.waiting) == 0 && !free",
			new:  "return !free",
		},
		{
			name: "seek-passes-over-free-ranges",
			rule: "What was free below the mark of a seek is void: else it is given after the seek.",
			file: "counter/ledger.go",
			old:  "for len(next.Free) > 0 && next.Free[0].First <= mark {",
			new:  "for len(next.Free) > 0 && next.Free[0].First < 0 {",
		},
		{
			name: "skipped-without-a-void",
			rule: "Numbers that a seek skips are void in the owner's book before they leave the ledger: else they are missing.",
			file: "counter/seek.go",
			old:  "\tif err := k.life.voidOf(ctx, k.series, ranges, k.reason); err != nil {\n\t\treturn err\n\t}\n",
			new:  "",
		},
		{
			name: "stuck-without-a-void",
			rule: "A number in doubt that a seek makes an end of is void, or has a row: the void is asked for before the block is released.",
			file: "counter/recall.go",
			old:  "\t\tif err := l.voidOf(l.ctx, s.series, stuck, reasonSeek); err != nil {\n\t\t\treturn err\n\t\t}\n",
			new:  "",
		},
		{
			name: "set-aside-and-not-noted",
			rule: "What a seek has reserved is noted, for no shelf knows it: a seek that is repeated must find it.",
			file: "counter/seek.go",
			old:  "\tk.life.noteAside(k.series, added)\n",
			new:  "",
		},
		{
			name: "seek-beside-a-refill",
			rule: "A holder makes one reservation of a series at a time: two, sent side by side, could compute the same block, and each would take it for its own.",
			file: "counter/refill.go",
			old:  "\t\tif s.beginRefill() {\n\t\t\treturn nil\n",
			new:  "\t\tif s.beginRefill() || !s.closed() {\n\t\t\treturn nil\n",
		},
		{
			name: "seek-edits-what-it-read",
			rule: "A ledger that was read is a value: the store, or whoever read it too, may still have it.",
			file: "counter/seek.go",
			old:  "slices.DeleteFunc(slices.Clone(led.Held), ",
			new:  "slices.DeleteFunc(led.Held, ",
		},
		{
			name:  "seek-cut-short-and-freed",
			rule:  "A block that the shelf does not know may be of a seek that was cut short, its voids stored already: only the rows can say what of it is free.",
			file:  "counter/handback.go",
			old:   "\tif st == nil {\n\t\treturn led, false\n\t}\n",
			new:   "\tif st == nil {\n\t\tnext, err := led.Release(b, []Range{b.Range}, time.Now().UTC())\n\t\treturn next, err == nil\n\t}\n",
			tests: "^TestAStopInTheMiddleOfASeekFreesNoNumberThatIsVoid$",
		},
	}
}
