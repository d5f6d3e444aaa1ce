package main

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// command is a command that ends with ctx, and with it all that it has started: what is
// named kubectl may be a wrapper around it. It is a process group of its own, so a ^C at
// the keyboard ends the run, which ends the command.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for who has left the group and holds its output open
	return cmd
}
