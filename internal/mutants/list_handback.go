package main

// handBackMutants break what a living holder gives up of its own accord.
func handBackMutants() []mutant {
	return []mutant{
		{
			name: "taken-is-enough-to-leave",
			rule: "A block leaves the ledger when its numbers are spent, not when they are taken: until then only the ledger knows of them.",
			file: "counter/refill.go",
			old:  "if st.drained() {",
			new:  "if st.left() == 0 {",
		},
		{
			name: "doubts-dropped",
			rule: "A number whose fate nobody knows may have a row: the holder must not free it on its own word.",
			file: "counter/survey.go",
			old:  "\t\t\ts.stuck = extended(s.stuck, st.First+offset)\n\t\tcase given:\n",
			new:  "\t\t\tfallthrough\n\t\tcase given:\n",
		},
		{
			name: "taken-and-silent-is-unused",
			rule: "A number whose taker has not said yet is not the holder's to free.",
			file: "counter/survey.go",
			old:  "\t\t\ts.out++",
			new:  "\t\t\ts.unused = extended(s.unused, st.First+offset)",
		},
		{
			name: "handed-back-whole",
			rule: "A hand-back frees what is unused, not what was spent.",
			file: "counter/handback.go",
			old:  "led.Release(b, found.unused, time.Now().UTC())",
			new:  "led.Release(b, []Range{b.Range}, time.Now().UTC())",
		},
		{
			name: "hand-back-given-up-and-forgotten",
			rule: "After a hand-back of unknown outcome nothing is taken from its blocks: it may have been applied.",
			file: "counter/idle.go",
			old:  "callTimeoutMax)\n\tdefer cancel()\n\treturn l.part(ctx, p)\n",
			new:  "30*time.Millisecond)\n\tdefer cancel()\n\terr := l.part(ctx, p)\n\tif p, ok := p.(*leave); ok && err != nil {\n\t\tp.shelf.mu.Lock()\n\t\tdefer p.shelf.mu.Unlock()\n\t\tfor _, st := range p.stocks {\n\t\t\tst.leaving = false\n\t\t}\n\t}\n\treturn err\n",
		},
		{
			name: "shelf-put-away-during-a-refill",
			rule: "A shelf is not forgotten while its refill is under way: the block would come to nobody, and the next shelf would make a second reservation beside the first.",
			file: "counter/idle.go",
			old:  "s.waiting() || s.refilling {",
			new:  "s.waiting() {",
		},
		{
			name: "taken-from-while-it-leaves",
			rule: "Nothing is taken from a block that is on its way out: it may be free already.",
			file: "counter/stock.go",
			old:  "\tif st.leaving {\n\t\treturn 0\n\t}\n",
			new:  "",
		},
		{
			name:  "step-forgotten-before-it-is-known",
			rule:  "A block of which nobody knows whether it left the ledger stays in memory: else its holder cannot say any more what became of its numbers.",
			file:  "counter/together.go",
			old:   "\tdefault:\n\t\tt.life.a.counts.unknown.Add(1)\n\t}\n\tt.left = append(t.left, all...)\n",
			new:   "\tdefault:\n\t\tt.life.a.counts.unknown.Add(1)\n\t\tfor _, p := range all {\n\t\t\tp.known()\n\t\t}\n\t\treturn nil\n\t}\n\tt.left = append(t.left, all...)\n",
			tests: "^TestNothingIsForgottenBeforeItIsKnownToHaveLeft$",
		},
		{
			name:  "refused-step-taken-for-applied",
			rule:  "A conflict of one ledger refuses the whole step: the others are still held.",
			file:  "counter/together.go",
			old:   "\tcase errors.Is(err, ErrConflict):\n\t\tt.life.a.counts.conflicts.Add(1)\n",
			new:   "\tcase errors.Is(err, ErrConflict):\n\t\tt.life.a.counts.conflicts.Add(1)\n\t\tfor _, p := range all {\n\t\t\tp.known()\n\t\t}\n\t\treturn nil\n",
			tests: "^TestNothingIsForgottenBeforeItIsKnownToHaveLeft$",
		},
		{
			name:  "step-given-up-and-taken-again",
			rule:  "After a step of unknown outcome nothing is taken from its blocks: it may still be applied.",
			file:  "counter/idle.go",
			old:   "\t\t\tl.loseIfLost(err)\n\t\t\tl.a.log().Warn(\"idle blocks not",
			new:   "\t\t\tl.loseIfLost(err)\n\t\t\tfor _, p := range alone {\n\t\t\t\tp := p.(*leave)\n\t\t\t\tp.shelf.mu.Lock()\n\t\t\t\tfor _, st := range p.stocks {\n\t\t\t\t\tst.leaving = false\n\t\t\t\t}\n\t\t\t\tp.shelf.mu.Unlock()\n\t\t\t}\n\t\t\tl.a.log().Warn(\"idle blocks not",
			tests: "^TestNothingIsTakenOfWhatAStrayStepMayStillFree$",
		},
	}
}
