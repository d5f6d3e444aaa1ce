// Command dashboard draws the dashboard of deploy/grafana on data of a run: it starts
// folio on this machine as foliodev does, has Prometheus scrape it, sends load, kills
// replicas, and then asks Prometheus for what each panel asks for. The drawing is ours, not
// Grafana's; expressions, units, titles and places are those of the dashboard.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"folio/internal/cli"
)

// settings are the command line.
type settings struct {
	Prometheus string        `help:"Prometheus' program." default:"prometheus"`
	Bin        string        `help:"Folder of foliodev, folio and hammer." default:"bin"`
	Dashboard  string        `help:"The dashboard." default:"deploy/grafana/folio.json"`
	Out        string        `help:"The drawing." default:"docs/dashboard.svg"`
	Long       time.Duration `help:"How long to watch." default:"6m"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s settings
	c := cli.Command{Name: "dashboard", Description: "Draws the dashboard of deploy/grafana on data of a run.", Stdout: stdout, Stderr: stderr}
	if status, done := c.Parse(&s, args); done {
		return status
	}
	return c.Status(watch(ctx, s))
}

// watch has folio run, and draws what Prometheus says of it.
func watch(ctx context.Context, s settings) (err error) {
	board, err := readDashboard(s.Dashboard)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "folio-dashboard-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	// ends last what was started first
	st := &stage{settings: s, work: work}
	defer func() { err = errors.Join(err, st.end()) }()
	if err := st.begin(ctx); err != nil {
		return err
	}
	from := time.Now()
	if err := st.play(ctx); err != nil {
		return err
	}
	drawing, err := board.draw(ctx, st.query(), from, time.Now())
	if err != nil {
		return err
	}
	return os.WriteFile(s.Out, []byte(drawing), 0o644)
}
