// Command chaosk8s deploys folio on the cluster that KUBECONFIG points at, plants faults
// under load, and judges what was seen. Exit status 0: every promise held; 1: one was
// broken, or the run shows nothing; 2: the command line was not understood.
//
// It works with any cluster. What is special to one is in variables, see --help; where a
// variable is missing the faults that need it are left out, and the table says so.
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
	Kubectl string        `help:"kubectl, with arguments if need be." default:"kubectl" env:"KUBECTL"`
	URL     string        `help:"Where the Service is reached from here: NodePort 30080 of a node." default:"http://127.0.0.1:30080" env:"K8S_URL" name:"url"`
	Load    string        `help:"How an image's tar gets into the cluster, such as 'kind load image-archive'." env:"K8S_LOAD" required:""`
	Kill    string        `help:"How a container's first process is signalled; the signal, namespace/pod and container are appended." env:"K8S_KILL"`
	Net     string        `help:"How a command runs where the pods' packets pass, such as 'docker exec kind-control-plane'; iptables is run by it." env:"K8S_NET"`
	Volumes string        `help:"What gives new volumes to the pods' users, where they belong to root." env:"K8S_VOLUMES"`
	Overlay string        `help:"What is applied; its namespace must not be there yet." default:"deploy/k8s/overlays/chaos"`
	Hammer  string        `help:"The load." default:"bin/hammer" type:"existingfile"`
	Rate    float64       `help:"Requests a second." default:"100"`
	Page    string        `help:"The page that the table is put into, between its markers; printed only if not given."`
	Bound   time.Duration `help:"Bound of the whole run." default:"12m"`
	Keep    bool          `help:"Leave all of it running."`
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	c := cli.Command{Name: "chaosk8s", Stdout: stdout, Stderr: stderr,
		Description: "Folio on a real cluster, under load and under faults: the exit status tells whether every promise held."}
	if status, done := c.Parse(&f, args); done {
		return status
	}
	ctx, cancel := context.WithTimeout(ctx, f.Bound)
	defer cancel()
	return c.Status(f.chaos(ctx, stdout, stderr))
}

var errBroken = errors.New("promises were broken")

// chaos makes the run, tells of it, and returns errBroken if a promise was.
func (f flags) chaos(ctx context.Context, stdout, stderr io.Writer) error {
	r, failed := f.play(ctx, stderr)
	if len(r.Faults) == 0 {
		return failed
	}
	broken := judge(r)
	text := table(r, broken)
	fmt.Fprintf(stdout, "\n%s\n", text)
	for _, b := range broken {
		fmt.Fprintf(stdout, "BROKEN  %s\n", b)
	}
	if failed != nil { // the page keeps the last run that came to its end
		return failed
	}
	if f.Page != "" {
		if err := rewrite(f.Page, text); err != nil {
			return err
		}
	}
	if len(broken) > 0 {
		return fmt.Errorf("%w: %d", errBroken, len(broken))
	}
	fmt.Fprintln(stdout, "chaosk8s: all promises held")
	return nil
}
