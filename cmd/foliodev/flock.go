package main

import (
	"os"
	"syscall"
)

// lockFile claims f for this process; the claim ends with the process.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
