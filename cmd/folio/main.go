// Command folio is the production binary: the API server and the tools of its
// operator. `folio --help` lists the commands; every flag can be given by an
// environment variable as well.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit status of every command. A check that could not be finished is told apart
// from one that found something.
const (
	statusFailed        = 1 // or, of a check, it found something
	statusNotUnderstood = 2
	statusUnfinished    = 3 // of a check
)

// statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// run is main without the process: it returns the exit status, 0 if it is done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd, err := parse(args, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "folio: %v\n", err)
		return statusNotUnderstood
	}
	if cmd == nil { // help was asked for and printed
		return 0
	}
	if err := cmd.Run(command{ctx: ctx, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "folio: %v\n", err)
		if own := (statusError{}); errors.As(err, &own) {
			return own.status
		}
		return statusFailed
	}
	return 0
}

// command is what a command runs with.
type command struct {
	ctx            context.Context
	stdout, stderr io.Writer
}
