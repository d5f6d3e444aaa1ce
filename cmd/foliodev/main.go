// Command foliodev runs everything on one machine: etcd, a private Postgres and
// replicas of folio, with a demo tenant. ^C ends all of it; its data stays, and
// the next run finds it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"folio/internal/cli"
	"folio/internal/devcluster/etcd"
)

func main() {
	etcd.RunIfMember()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// flags are the command line.
type flags struct {
	Replicas    int    `help:"How many replicas of folio." default:"3"`
	EtcdMembers int    `help:"How many members etcd has." enum:"1,3" default:"1"`
	State       string `help:"Folder that keeps data, ports, logs and the key." default:".folio-dev" type:"path"`
	Fresh       bool   `help:"Remove what an earlier run left there."`
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	c := cli.Command{Name: "foliodev", Description: "Everything on one machine: etcd, Postgres and replicas of folio. ^C ends it.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&f, args, f.check); done {
		return status
	}
	return c.Status(develop(ctx, f, stdout))
}

func (f *flags) check() error {
	if f.Replicas < 1 {
		return fmt.Errorf("--replicas is %d; want at least one", f.Replicas)
	}
	return nil
}
