package main

// settleMutants break what is done with the blocks of the dead.
func settleMutants() []mutant {
	return []mutant{
		{
			name: "settled-without-asking",
			rule: "Only the owner of the rows can say which numbers of a dead holder are used: a number with a row is never free.",
			file: "counter/settle.go",
			old:  "settled, err := next.Settle(b, free, time.Now().UTC())",
			new:  "settled, err := next.Settle(b, []Range{b.Range}, time.Now().UTC())",
		},
		{
			name: "settled-and-forgotten",
			rule: "What a dead holder had left is free or void: a number in no book is missing.",
			file: "counter/settle.go",
			old:  "settled, err := next.Settle(b, free, time.Now().UTC())",
			new:  "settled, err := next.Settle(b, nil, time.Now().UTC())",
		},
		{
			name: "settled-without-a-fence",
			rule: "The owner fences a holder before it reads its rows: a paused holder that wakes must not write a number that was freed.",
			file: "counter/countertest/rows.go",
			old:  "\tr.fenced[b.Holder] = true\n",
			new:  "",
		},
		{
			name: "silent-owner-taken-for-all-free",
			rule: "An owner that gives an error has settled nothing: the block stays where it is.",
			file: "counter/settle.go",
			old:  "free, err = a.Config.Owner.Settle(ctx, s, b); err != nil {\n\t\t\t\treturn led, 0, err\n\t\t\t}\n",
			new:  "free, err = a.Config.Owner.Settle(ctx, s, b); err != nil {\n\t\t\t\tfree = []Range{b.Range}\n\t\t\t}\n",
		},
		{
			name: "the-living-taken-for-dead",
			rule: "Only holders that are not registered are settled: one that lives would be fenced in the midst of its work, its own refills too.",
			file: "counter/settle.go",
			old:  "if !slices.Contains(alive, dead) {\n\t\t\tfailed",
			new:  "if slices.Contains(alive, l.holder.Name) {\n\t\t\tfailed",
		},
		{
			name: "sweep-during-a-refill",
			rule: "A sweeper reads who lives after it has read who holds: else a holder that registers, and reserves its first block, in between is taken for dead, and fenced while it works.",
			file: "counter/settle.go",
			old:  "\tholding, err := l.a.Config.Store.Holding(callCtx)\n\tif err != nil {\n\t\treturn fmt.Errorf(\"list who holds blocks: %w\", err)\n\t}\n\talive, err := l.a.Config.Store.Alive(callCtx)\n\tif err != nil {\n",
			new:  "\talive, err := l.a.Config.Store.Alive(callCtx)\n\tif err != nil {\n\t\treturn fmt.Errorf(\"list who holds blocks: %w\", err)\n\t}\n\tholding, err := l.a.Config.Store.Holding(callCtx)\n\tif err != nil {\n",
		},
		{
			name: "the-dead-are-not-swept",
			rule: "What a dead holder had is settled even if no watch told of its end.",
			file: "counter/settle.go",
			old:  "if !slices.Contains(alive, dead) {\n\t\t\tfailed",
			new:  "if alive == nil {\n\t\t\tfailed",
		},
	}
}
