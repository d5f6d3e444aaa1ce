// Command dashboard draws the dashboard of deploy/grafana on data of a run: it starts
// folio on this machine as foliodev does, has Prometheus scrape it, sends load, kills
// replicas, and then asks Prometheus for what each panel asks for. The drawing is ours, not
// Grafana's; expressions, units, titles and places are those of the dashboard.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are the command line.
type settings struct {
	prometheus string
	bin        string
	dashboard  string
	out        string
	long       time.Duration
}

func main() {
	var s settings
	flag.StringVar(&s.prometheus, "prometheus", "prometheus", "Prometheus' program")
	flag.StringVar(&s.bin, "bin", "bin", "folder of foliodev, folio and hammer")
	flag.StringVar(&s.dashboard, "dashboard", "deploy/grafana/folio.json", "the dashboard")
	flag.StringVar(&s.out, "out", "docs/dashboard.svg", "the drawing")
	flag.DurationVar(&s.long, "long", 6*time.Minute, "how long to watch")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	board, err := readDashboard(s.dashboard)
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
	return os.WriteFile(s.out, []byte(drawing), 0o644)
}
