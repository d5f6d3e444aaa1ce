// Command mutants proves that the proofs prove: it plants each fault of a list
// into a copy of the counter, one at a time, and runs the simulation, which must
// notice. Exit status 0: every mutant was killed; 1: one survived, or could not be
// planted; 2: the command line was not understood.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"folio/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// flags are the command line.
type flags struct {
	Only    []string      `help:"Plant these mutants only." placeholder:"NAME"`
	List    bool          `help:"Print the mutants and the rules they break, and plant none."`
	Run     string        `help:"Run these tests instead of those in the list." placeholder:"REGEXP"`
	Seeds   int           `help:"How many simulations may run until one notices." default:"100"`
	AtOnce  int           `help:"How many mutants are tried side by side." default:"2"`
	Timeout time.Duration `help:"Bound of one mutant's tests." default:"100s"`
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	var chosen []mutant
	choose := func() (err error) { chosen, err = f.choose(mutants()); return err }
	c := cli.Command{Name: "mutants", Description: "Plants faults into a copy of the counter; the simulation must notice each.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&f, args, choose); done {
		return status
	}
	if f.List {
		list(stdout, chosen)
		return 0
	}
	return c.Status(f.hunt(ctx, chosen, stdout))
}

// choose returns the mutants that the command line asks for.
func (f flags) choose(all []mutant) ([]mutant, error) {
	if f.Seeds < 1 || f.AtOnce < 1 || f.Timeout <= 0 {
		return nil, errors.New("want at least one seed, one mutant at once and some time")
	}
	for _, name := range f.Only {
		if !slices.ContainsFunc(all, func(m mutant) bool { return m.name == name }) {
			return nil, fmt.Errorf("there is no mutant %q; --list names them", name)
		}
	}
	chosen := slices.DeleteFunc(all, func(m mutant) bool { return f.Only != nil && !slices.Contains(f.Only, m.name) })
	for i := range chosen {
		if f.Run != "" {
			chosen[i].tests = f.Run
		}
	}
	return chosen, nil
}

func list(w io.Writer, all []mutant) {
	for _, m := range all {
		fmt.Fprintf(w, "%s (%s; %s)\n    %s\n", m.name, m.file, m.run(), m.rule)
	}
}

// hunt plants the mutants into a copy of the module that this command is called
// in.
func (f flags) hunt(ctx context.Context, chosen []mutant, stdout io.Writer) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	h := &hunt{source: root, seeds: f.Seeds, atOnce: f.AtOnce, timeout: f.Timeout, out: stdout}
	return h.run(ctx, chosen)
}
