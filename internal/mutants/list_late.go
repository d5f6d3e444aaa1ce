package main

// lateMutants break what becomes of numbers that were freed too long ago.
func lateMutants() []mutant {
	return []mutant{
		{
			name:  "late-and-given-again",
			rule:  "A number that was freed longer ago than its series allows is void, and not given again.",
			file:  "counter/reserve.go",
			old:   "\t\tif led, err = r.dropLate(ctx, led); err != nil {\n\t\t\treturn led, err\n\t\t}\n",
			new:   "\t\t_ = ctx\n",
			tests: "^TestANumberFreedTooLongAgoIsVoidAndNotGivenAgain$",
		},
		{
			name:  "late-and-dropped-without-a-void",
			rule:  "What is too old is void in the owner's book before it leaves the ledger: else it is missing.",
			file:  "counter/late.go",
			old:   "\tif err := l.void(ctx, r.shelf.series, late, \"released_late\"); err != nil {\n\t\treturn led, err\n\t}\n",
			new:   "",
			tests: "^TestFreedNumbersGrowOldAmongReplicasThatCrash$",
		},
		{
			name:  "late-and-dropped-although-not-void",
			rule:  "An owner that gives an error has recorded nothing: what is too old stays in the ledger.",
			file:  "counter/late.go",
			old:   "err := l.void(ctx, r.shelf.series, late, \"released_late\"); err != nil {\n\t\treturn led, err\n",
			new:   "err := l.void(ctx, r.shelf.series, late, \"released_late\"); err != nil {\n\t\treturn next, nil\n",
			tests: "^TestANumberIsNotDroppedBeforeItsVoidIsStored$",
		},
		{
			name:  "late-and-still-free",
			rule:  "What became void leaves the ledger in the swap that reserves: else it is given, refused, and void again for ever.",
			file:  "counter/ledger.go",
			old:   "\t\t\tlate = append(late, f.Range)\n\t\t\treturn true\n",
			new:   "\t\t\tlate = append(late, f.Range)\n\t\t\treturn false\n",
			tests: "^TestANumberFreedTooLongAgoIsVoidAndNotGivenAgain$",
		},
		{
			name:  "young-and-void",
			rule:  "What was freed within the time allowed is given next.",
			file:  "counter/late.go",
			old:   "time.Now().Add(-within)",
			new:   "time.Now().Add(within)",
			tests: "^TestANumberFreedTooLongAgoIsVoidAndNotGivenAgain$",
		},
	}
}
