// Command hammer sends load to folio from outside and then verifies, from
// outside, that every promise held: its exit status tells. 0: all held; 1: one
// was broken, or the run shows nothing; 2: the command line was not understood.
package main

import (
	"context"
	"encoding/json"
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
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// flags are the command line.
type flags struct {
	URLs        []string      `name:"urls" help:"Replicas, separated by commas." env:"FOLIO_URLS"`
	Keys        []string      `help:"API keys, one per tenant, separated by commas." env:"FOLIO_KEYS"`
	APIKey      string        `help:"The one API key, if --keys gives none." env:"FOLIO_API_KEY"`
	Connections int           `help:"Requests at a time (closed loop), or at most (open loop)." default:"64" env:"HAMMER_CONNECTIONS"`
	Rate        float64       `help:"Requests a second at fixed times (open loop); 0: as fast as answers come (closed loop)." env:"HAMMER_RATE"`
	Duration    time.Duration `help:"How long to send new requests." default:"10s" env:"HAMMER_DURATION"`
	Requests    int           `help:"How many requests to send; 0: as many as fit into the duration." env:"HAMMER_REQUESTS"`
	RepeatShare float64       `help:"Share of requests that are sent twice at once, to two replicas." default:"0.05" env:"HAMMER_REPEAT_SHARE"`
	CloseShare  float64       `help:"Share of attempts after which the connection is closed, so that what balances connections chooses anew." env:"HAMMER_CLOSE_SHARE"`
	Timeout     time.Duration `help:"Bound of one attempt." default:"5s" env:"HAMMER_TIMEOUT"`
	GiveUp      time.Duration `help:"How long after the end of the load to go on finding out." default:"60s" env:"HAMMER_GIVE_UP"`
	Series      string        `help:"Series to issue in." default:"invoice" env:"HAMMER_SERIES"`
	Gapless     bool          `help:"The series is strict and begins at 1: judge also that its numbers have no hole and are in the order of the answers." env:"HAMMER_GAPLESS"`
	MayLose     bool          `help:"A store is put back to an earlier state meanwhile: what was acknowledged may be lost. That no number is given twice is judged all the same." env:"HAMMER_MAY_LOSE"`
	History     string        `help:"File that the history is appended to; a new temporary one if not given." env:"HAMMER_HISTORY"`
	VerifyOnly  string        `help:"Send nothing: judge this history again." env:"HAMMER_VERIFY_ONLY" placeholder:"FILE"`
	JSON        bool          `name:"json" help:"Print the summary as JSON." env:"HAMMER_JSON"`
	SelfTest    bool          `help:"Feed the verifier broken histories; it must report each." env:"HAMMER_SELF_TEST"`
}

// run is main without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	c := cli.Command{Name: "hammer", Description: "Load for folio from outside, and the verdict whether every promise held.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&f, args, f.check); done {
		return status
	}
	if f.SelfTest {
		return selfTest(stdout)
	}
	held, err := hammer(ctx, f, stdout)
	if err == nil && !held {
		return cli.Failed
	}
	return c.Status(err)
}

func (f *flags) check() error {
	if f.SelfTest {
		return nil
	}
	if len(f.Keys) == 0 && f.APIKey != "" {
		f.Keys = []string{f.APIKey}
	}
	switch {
	case len(f.URLs) == 0:
		return fmt.Errorf("no --urls given: where are the replicas?")
	case len(f.Keys) == 0:
		return fmt.Errorf("no --keys given, and no FOLIO_API_KEY")
	case f.Connections < 1 || f.Rate < 0 || f.Requests < 0 || f.RepeatShare < 0 || f.RepeatShare > 1 || f.CloseShare < 0 || f.CloseShare > 1:
		return fmt.Errorf("--connections must be at least 1, --rate and --requests not negative, --repeat-share and --close-share from 0 to 1")
	}
	return nil
}

// hammer sends the load, finds out what became of every request, and judges.
func hammer(ctx context.Context, f flags, out io.Writer) (held bool, err error) {
	h, err := openHistory(f)
	if err != nil {
		return false, err
	}
	defer h.close()
	t := newTargets(f)
	defer t.end()
	s := summary{History: h.path}
	if f.VerifyOnly == "" {
		fmt.Fprintf(out, "hammering %v with %d tenants; history in %s\n", f.URLs, len(f.Keys), h.path)
		s.Load = newLoad(f, t, h).run(ctx)
		if err := h.failed(); err != nil {
			return false, err
		}
	}
	listing, err := t.listAll(context.WithoutCancel(ctx), f)
	if err != nil {
		return false, fmt.Errorf("read back what is stored: %w", err)
	}
	broken := verify(h.requests(), listing)
	if f.Gapless {
		broken = append(broken, verifyGapless(h.requests(), listing)...)
	}
	if f.MayLose {
		broken, s.Forgiven = forgive(broken)
	}
	s.judge(h.requests(), broken)
	if f.JSON {
		return len(broken) == 0, json.NewEncoder(out).Encode(s)
	}
	s.print(out)
	return len(broken) == 0, nil
}
