// Command bench measures what folio gives beside what people use today, in one run on one
// machine: every contender behind the same HTTP handler, JSON, table and client, in
// alternating rounds. See make bench and make bench-quick.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"folio/internal/bench/contender"
	"folio/internal/cli"
	"folio/internal/devcluster/etcd"
)

func main() {
	etcd.RunIfMember()
	contender.RunIfReplica()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// flags are the command line.
type flags struct {
	Quick       bool          `help:"The main ratios in less than a minute; ends with 3 if one falls under 0.7 of its bar."`
	Only        []string      `help:"Scenarios to run; all if not given. See --list."`
	List        bool          `help:"List the scenarios and the contenders, and end."`
	Contenders  []string      `help:"Contenders to run beside folio in the wide scenarios; all if not given."`
	Rounds      int           `help:"Rounds of each contender; 0: as many as each scenario has." default:"0"`
	Round       time.Duration `help:"What is measured of a round; 0: as long as each scenario has." default:"0"`
	WarmUp      time.Duration `help:"… behind so much that is not, of all sides; 0: as long as each scenario has." default:"0"`
	Connections []int         `help:"Connections of the client in the sweep." default:"1,16,64,256"`
	Replicas    []int         `help:"Replicas in the scenarios that have several." default:"1,3"`
	Lines       []int         `help:"Lines of an invoice in the sweep." default:"2,50"`
	Tenants     int           `help:"Tenants of the crowd." default:"1000"`
	Pool        int           `help:"Connections to Postgres of each contender but folio, all replicas together." default:"32"`
	Recycle     int           `help:"Files of WAL, 16 MB each, that are written before the first round, for Postgres to use again; not in a quick run." default:"128"`
	NoKeys      bool          `help:"Requests without an Idempotency-Key."`
	LookFirst   bool          `help:"The contenders look for the Idempotency-Key before they write, as folio does in a quiet series, instead of finding repeats by the table's key."`
	GrownRows   int           `help:"Invoices that are there before the growth scenario; for their sake the databases of the contenders are dropped." default:"10000000"`
	GrownCrowd  int           `help:"Tenants, and series, of the growth scenario." default:"100000"`
	Folio       string        `help:"A binary of folio; built if not given." type:"path"`
	Out         string        `help:"Folder for bench.json and the drawings; none if not given." type:"path"`
	Page        string        `help:"A page whose tables, between the markers of bench, are made anew." type:"path"`
	Keep        string        `help:"Folder for the logs and data, which are kept; a temporary one if not given." type:"path"`
}

// run is main without the process: it returns the exit status. 1: the run, or a scenario of
// it, failed; 2: the command line is wrong; 3: a ratio fell under the guard, whatever
// failed besides.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	var scenarios []scenario
	planned := func() (err error) { scenarios, err = plan(f); return err }
	page := func() (err error) {
		if f.Page != "" {
			_, err = rewritten(f.Page, "") // now, and not after an hour
		}
		return err
	}
	c := cli.Command{Name: "bench", Description: "Measures folio beside what people use today. All of it runs on this machine, and ends.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&f, args, planned, page); done {
		return status
	}
	if f.List {
		list(stdout, scenarios)
		return 0
	}
	b := &bench{flags: f, out: stdout}
	err := b.run(ctx, scenarios)
	if status := c.Status(err); !errors.Is(err, errGuard) {
		return status
	}
	return underGuard
}

// underGuard is the exit status of errGuard.
const underGuard = 3

func list(w io.Writer, scenarios []scenario) {
	fmt.Fprintln(w, "scenarios:")
	for _, s := range scenarios {
		fmt.Fprintf(w, "  %-14s %s\n", s.name, s.title)
	}
	fmt.Fprintln(w, "contenders:")
	for _, c := range contenders() {
		fmt.Fprintf(w, "  %-14s %s\n", c.name, c.is)
	}
}
