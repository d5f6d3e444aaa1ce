package main

import "slices"

// mutants returns the list: for each rule of the protocol at least one fault that
// breaks it.
func mutants() []mutant {
	return slices.Concat(ledgerMutants(), outcomeMutants(), memoryMutants(), handBackMutants(), settleMutants(), seekMutants(), historyMutants(), lateMutants())
}
