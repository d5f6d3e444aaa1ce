// Command check explores the families of worlds of package model and exits with
// status 1 if a promise can be broken.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"folio/internal/model"
)

func main() {
	config := flag.String("config", "coarse", "how large the worlds are: coarse or large")
	family := flag.String("family", "", "explore this one only")
	without := flag.String("without", "", "leave out these rules, separated by commas: "+model.RuleNames())
	states := flag.Int("states", 25_000_000, "stop a family at this many states; 0: never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *config, *family, *without, *states); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// run returns an error if a promise was broken, or nothing was explored.
func run(ctx context.Context, size, only, without string, states int) error {
	rules, err := parseRules(without)
	if err != nil {
		return err
	}
	var total, cut, broken, families int
	var deepest int
	start := time.Now()
	for _, f := range model.Families() {
		if only != "" && f.Name != only {
			continue
		}
		cfg, err := f.Config(size)
		if err != nil {
			return err
		}
		cfg.Without = rules
		r := model.Explore(ctx, cfg, states)
		fmt.Print(r.Report(f.About))
		families++
		total += r.States
		deepest = max(deepest, r.Depth)
		switch {
		case r.Breach != "":
			broken++
		case !r.Exhausted:
			cut++
		}
	}
	fmt.Printf("%s: %d states in %d families, depth %d, %.1f s; %d families not exhausted, %d with a promise broken\n",
		size, total, families, deepest, time.Since(start).Seconds(), cut, broken)
	switch {
	case families == 0:
		return fmt.Errorf("there is no family %q", only)
	case broken > 0:
		return fmt.Errorf("%d families have a history that breaks a promise", broken)
	}
	return ctx.Err()
}

func parseRules(names string) (model.Rules, error) {
	var rules []model.Rule
	for name := range strings.SplitSeq(names, ",") {
		if name == "" {
			continue
		}
		r, known := model.ParseRule(name)
		if !known {
			return 0, fmt.Errorf("there is no rule %q; the rules are: %s", name, model.RuleNames())
		}
		rules = append(rules, r)
	}
	return model.Without(rules...), nil
}
