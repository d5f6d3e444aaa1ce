package main

// memoryMutants break what a replica keeps in memory: gates, marks, turns, queues.
func memoryMutants() []mutant {
	return []mutant{
		{
			name:  "limit-read-after-the-number",
			rule:  "The next number and the limit share a word: a limit read later can be that of another opening, and then one number has two takers.",
			file:  "counter/strip.go",
			old:   "i < uint32(g>>32)&0xffff\n}",
			new:   "i < s.limit(2000)\n}\n\nfunc (s *strip) limit(late int) (limit uint32) {\n\tfor range late {\n\t\tlimit = uint32(s.gate.Load()>>32) & 0xffff\n\t}\n\treturn limit\n}",
			tests: "^TestNoNumberIsGivenTwiceHoweverManyTakeIt$",
		},
		{
			name:  "late-takers-counted-as-takers",
			rule:  "Who came to a gate too late has counted on beyond the limit and has no number: else numbers are skipped that nobody has.",
			file:  "counter/strip.go",
			old:   "return min(uint32(gate), uint32(gate>>32)&0xffff)",
			new:   "return uint32(gate)",
			tests: "^TestNoNumberIsGivenTwiceHoweverManyTakeIt$",
		},
		{
			name:  "old-turn-kept",
			rule:  "A number that was given back and taken again belongs to its new taker, who alone may say what became of it.",
			file:  "counter/stock.go",
			old:   "st.again.turns[n.at] = n.turn + 1",
			new:   "st.again.turns[n.at] = n.turn",
			tests: "^TestWhoeverReturnedANumberHasNoSayInItAnyMore$",
		},
		{
			name:  "returned-twice",
			rule:  "What is said of a number a second time is ignored: a second Return must not give it to two takers.",
			file:  "counter/stock.go",
			old:   "if !st.mine(n) || !n.on.mark(n.at.index(), back, spent|doubtful) {",
			new:   "if !n.on.mark(n.at.index(), back, spent|doubtful) {",
			tests: "^TestWhoeverReturnedANumberHasNoSayInItAnyMore$",
		},
		{
			name:  "returned-although-spent",
			rule:  "A number with a row is never taken again, whatever is said of it later.",
			file:  "counter/stock.go",
			old:   "n.on.mark(n.at.index(), back, spent|doubtful)",
			new:   "n.on.mark(n.at.index(), back, 0)",
			tests: "^TestWhatIsSaidOfANumberTwiceIsIgnored$",
		},
		{
			name:  "strip-dropped-when-taken",
			rule:  "What is known of a number is kept until it is spent: a strip whose numbers are only taken holds marks that nobody else has.",
			file:  "counter/stock.go",
			old:   "int64(s.spent()) < whole {",
			new:   "int64(st.spentTo)*perStrip+whole > int64(st.next) {",
			tests: "^TestAStripIsDroppedOnlyWhenAllItsNumbersAreSpent$",
		},
		{
			name:  "waiter-who-left-is-answered",
			rule:  "Who has left the queue gets no number: it would be lost.",
			file:  "counter/queue.go",
			old:   "\ts.queue.waiters = slices.Delete(s.queue.waiters, i, i+1)\n",
			new:   "",
			tests: "^TestACallerWhoLeavesCostsNoNumber$",
		},
		{
			name:  "shelf-outlives-its-life",
			rule:  "A holder that was fenced gives no number any more, at once: nothing it gives can be written.",
			file:  "counter/life.go",
			old:   "\tl.a.withdraw(l)\n\tl.once.Do(func() {\n\t\tfor _, s := range l.shelves.end() {\n\t\t\ts.close(lifeOver)\n\t\t}\n\t\tclose(l.lost)\n\t})",
			new:   "\tl.once.Do(func() { time.AfterFunc(time.Second, func() { close(l.lost) }) })",
			tests: "^TestAnAbandonedHolderIsNotUsedAgain$",
		},
		{
			name:  "gate-outlives-its-life",
			rule:  "The gates of a holder that was fenced are shut before anybody is told: a handle asks only its gate.",
			file:  "counter/life.go",
			old:   "\t\tfor _, s := range l.shelves.end() {\n\t\t\ts.close(lifeOver)\n\t\t}\n",
			new:   "",
			tests: "^TestAHandleOutlivesItsHolder$",
		},
	}
}
