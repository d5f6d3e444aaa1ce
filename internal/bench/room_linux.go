package main

import "syscall"

// room is how many GB of a folder's file system are free for who is not root; nil: the
// system does not tell.
func room(dir string) *float64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil
	}
	gb := float64(s.Bavail) * float64(s.Bsize) / 1e9
	return &gb
}
