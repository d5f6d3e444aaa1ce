package main

// ledgerMutants break the durable bookkeeping.
func ledgerMutants() []mutant {
	return []mutant{
		{
			name: "identity-without-serial",
			rule: "A range that was freed and reserved again by the same holder is another block: whoever still means the old one must not find the new one.",
			file: "counter/block.go",
			old:  "return b.Serial == other.Serial && b.Holder",
			new:  "return b.Holder",
		},
		{
			name: "identity-without-holder",
			rule: "Two replicas reserve the same range under the same serial when the swap of one was lost: only the name tells whose the block in the ledger is.",
			file: "counter/block.go",
			old:  "b.Holder == other.Holder && b.Range",
			new:  "b.Range",
		},
		{
			name:  "identity-without-range",
			rule:  "A ledger that went back in time gives the same serial to the same holder again, for another range: only the range tells them apart.",
			file:  "counter/block.go",
			old:   "b.Holder == other.Holder && b.Range == other.Range",
			new:   "b.Holder == other.Holder",
			tests: "^TestABlockIsKnownBySerialHolderAndRange$",
		},
		{
			name: "mark-short-by-one",
			rule: "The mark covers every number ever reserved: what lies above it is reserved anew.",
			file: "counter/ledger.go",
			old:  "next.Mark = r.Last\n",
			new:  "next.Mark = r.Last - 1\n",
		},
		{
			name: "clipped-at-the-limit-counted-back-from-the-end",
			rule: "The first number of a block is computed from the old mark, so that a short tail at the limit repeats no number.",
			file: "counter/ledger.go",
			old:  "\tnext := l.clone()\n\tnext.Serial++\n\tif fromFree {",
			new:  "\tif !fromFree && w.Limit > 0 {\n\t\tr.First = max(1, min(r.First, limit-w.Count+1))\n\t}\n\tnext := l.clone()\n\tnext.Serial++\n\tif fromFree {",
		},
		{
			name: "limit-forgotten",
			rule: "A series ends at its limit: no number above it is ever given.",
			file: "counter/ledger.go",
			old:  "if limit <= 0 || limit > MaxNumber {",
			new:  "if limit = MaxNumber; limit > MaxNumber {",
		},
		{
			name: "first-number-forgotten",
			rule: "A series gives no number below its first: accounting begins there.",
			file: "counter/ledger.go",
			old:  "next.First, next.Mark = first, first-1",
			new:  "next.First = first",
		},
		{
			name: "aliased-slices",
			rule: "A ledger is a value: a transition that fails half-way, or is not sent, leaves the old one as it was read.",
			file: "counter/ledger.go",
			old:  "\tl.Held = slices.Clone(l.Held)\n\tl.Free = slices.Clone(l.Free)\n",
			new:  "",
		},
		{
			name: "free-range-still-free-when-reserved",
			rule: "A number is held or free, never both.",
			file: "counter/ledger.go",
			old:  "l.Free[0].First = r.Last + 1",
			new:  "l.Free[0].First = max(r.Last, r.First+1)",
		},
		{
			name:  "what-does-not-fit-is-dropped",
			rule:  "A block that frees more ranges than a ledger holds stays held with its rest: else that rest is in no book.",
			file:  "counter/ledger.go",
			old:   "\t\t\tnext.Held[i].First = r.First\n\t\t\treturn next, false, nil\n",
			new:   "\t\t\tbreak\n",
			tests: "^TestWhatDoesNotFitStaysHeldAndIsSettledLater$",
		},
	}
}
