// Command draw makes the tables and the drawings of docs/performance.md anew from
// the simulations of internal/forecast.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"folio/internal/forecast"
	"folio/internal/plot"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	out, page string
	crowd     forecast.Crowd
}

// sizes is what the rules did with one kind of traffic.
type sizes struct {
	forecast.Traffic
	curves []forecast.Curve
}

// crowd is one way to serve the crowd, and what came of it.
type crowd struct {
	name string
	forecast.Forecast
}

func run(args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	begun := time.Now()
	crowds, err := allCrowds(o.crowd)
	if err != nil {
		return err
	}
	all, err := allSizes(o.crowd.Seed)
	if err != nil {
		return err
	}
	left, err := allRests(o.crowd.Seed)
	if err != nil {
		return err
	}
	if err := o.draw(all, crowds); err != nil {
		return err
	}
	tables := tables(o.crowd, all, left, crowds)
	if o.page == "" {
		_, err = io.WriteString(stdout, tables)
		return err
	}
	if err := rewrite(o.page, tables); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s rewritten in %s\n", o.page, time.Since(begun).Round(time.Second))
	return err
}

func parse(args []string, usage io.Writer) (options, error) {
	o := options{crowd: forecast.Million(0)}
	flags := flag.NewFlagSet("draw", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&o.out, "out", "", "the folder for the drawings; empty: none are made")
	flags.StringVar(&o.page, "page", "", "the page whose tables are rewritten; empty: they are printed")
	flags.Uint64Var(&o.crowd.Seed, "seed", o.crowd.Seed, "the same seed gives the same figures")
	flags.IntVar(&o.crowd.Tenants, "tenants", o.crowd.Tenants, "how many tenants there are")
	flags.IntVar(&o.crowd.Replicas, "replicas", o.crowd.Replicas, "how many replicas serve them")
	flags.Float64Var(&o.crowd.PerSecond, "per-second", o.crowd.PerSecond, "invoices a second of all tenants")
	flags.DurationVar(&o.crowd.Long, "long", o.crowd.Long, "how long it is measured, in virtual time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// check refuses a page that could not be rewritten before anything is computed.
func (o options) check() error {
	if o.page == "" {
		return nil
	}
	text, err := os.ReadFile(o.page)
	if err != nil {
		return err
	}
	_, err = replace(string(text), "")
	return err
}

func allSizes(seed uint64) ([]sizes, error) {
	var all []sizes
	for _, t := range forecast.Traffics() {
		curves, err := forecast.Sizes(seed, t)
		if err != nil {
			return nil, err
		}
		all = append(all, sizes{Traffic: t, curves: curves})
	}
	return all, nil
}

// rests is what a burst leaves of a tenant with one request in every gap.
type rests struct {
	gap  time.Duration
	left []forecast.Rest
}

func allRests(seed uint64) ([]rests, error) {
	var all []rests
	times := []time.Duration{10 * time.Second, 10 * time.Minute, time.Hour, 4 * time.Hour}
	for _, gap := range []time.Duration{2 * time.Second, 20 * time.Second, 5 * time.Minute} {
		left, err := forecast.Rests(seed, gap, times)
		if err != nil {
			return nil, err
		}
		all = append(all, rests{gap: gap, left: left})
	}
	return all, nil
}

// allCrowds serves one crowd in four ways.
func allCrowds(c forecast.Crowd) ([]crowd, error) {
	soon, three, one := c, c, c
	soon.Idle = 10 * time.Second
	three.Near, one.Near = min(3, c.Replicas), 1
	all := []crowd{
		{name: "any replica", Forecast: forecast.Forecast{Crowd: c}},
		{name: "any; idle after 10 s", Forecast: forecast.Forecast{Crowd: soon}},
		{name: "one of three", Forecast: forecast.Forecast{Crowd: three}},
		{name: "always the same", Forecast: forecast.Forecast{Crowd: one}},
	}
	for i := range all {
		f, err := all[i].Run()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
		all[i].Forecast = f
	}
	return all, nil
}

func (o options) draw(all []sizes, crowds []crowd) error {
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for name, d := range map[string]plot.Drawing{"held.svg": drawSizes(all), "crowd.svg": drawCrowd(crowds)} {
		if err := os.WriteFile(filepath.Join(o.out, name), []byte(d.SVG()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
