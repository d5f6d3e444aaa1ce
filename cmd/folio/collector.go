package main

import (
	"os"
	"runtime/debug"
)

// collectAt is how much is allocated, in per cent of what lives, before garbage is
// collected. Little of a replica lives, some ten megabytes, and each collection
// looks at the stacks of all connections: at Go's 100 it was a fifth of the CPU of a
// busy replica.
const collectAt = 250

// collectSeldom sets it, unless GOGC does. GOMEMLIMIT still makes collections more
// frequent where memory is scarce.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
