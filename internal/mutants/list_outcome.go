package main

// outcomeMutants break the dealings with a store that does not answer, or with
// others who write at the same moment.
func outcomeMutants() []mutant {
	return []mutant{
		{
			name: "versions-ignored",
			rule: "A swap replaces only the very value that its transition was computed from: what others wrote in between must not be overwritten.",
			file: "counter/change.go",
			old:  "err = c.store.Swap(ctx, c.holder, c.series, a.old, a.next)",
			new:  "_, a.old, _ = c.store.Load(ctx, c.series)\n\terr = c.store.Swap(ctx, c.holder, c.series, a.old, a.next)",
		},
		{
			name: "reply-not-recognised",
			rule: "A swap whose reply was lost is found in the ledger: else its block lies there in the name of a holder that does not know it, and no seek gets past it.",
			file: "counter/change.go",
			old:  "if *sent != nil && c.applied(ledger) {",
			new:  "if false {",
		},
		{
			name: "unknown-taken-for-done",
			rule: "Memory learns of a block only when it is known to be in the ledger.",
			file: "counter/change.go",
			old:  "\t*sent = &a\n\treturn false, fmt.Errorf(\"%w: %w\", errUnknown, err)",
			new:  "\t*sent = &a\n\treturn true, nil",
		},
		{
			name: "conflict-taken-for-done",
			rule: "A swap that met another value did nothing.",
			file: "counter/change.go",
			old:  "return false, ErrConflict // an",
			new:  "return true, nil // an",
		},
		{
			name: "any-block-taken-for-ones-own",
			rule: "A change recognises itself by the whole identity of its block, not by there being one.",
			file: "counter/reserve.go",
			old:  "return led.Holds(r.block) }",
			new:  "return led.Serial >= r.block.Serial }",
		},
	}
}
