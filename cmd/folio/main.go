// Command folio is the production binary: the API server and the tools of its
// operator. `folio --help` lists the commands; every flag can be given by an
// environment variable as well.
package main

import (
	"context"
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

// run is main without the process: it returns the exit status. 0: done; 1: it
// failed, or an audit found something; 2: it was not understood.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd, err := parse(args, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "folio: %v\n", err)
		return 2
	}
	if cmd == nil { // help was asked for and printed
		return 0
	}
	if err := cmd.Run(command{ctx: ctx, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "folio: %v\n", err)
		return 1
	}
	return 0
}

// command is what a command runs with.
type command struct {
	ctx            context.Context
	stdout, stderr io.Writer
}
