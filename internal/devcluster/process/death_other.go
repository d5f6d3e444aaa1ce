//go:build !linux

package process

import "syscall"

// dieWithParent: other systems have no such thing.
func dieWithParent(*syscall.SysProcAttr) {}
