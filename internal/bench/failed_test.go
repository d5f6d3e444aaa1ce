package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAScenarioThatFailsLosesNoOther runs one that fails in its second side, one that is
// well, and one that fails at its end, in a quick run.
func TestAScenarioThatFailsLosesNoOther(t *testing.T) {
	out := t.TempDir()
	page := filepath.Join(out, "page.md")
	if err := os.WriteFile(page, []byte(begin+"STALE\n"+end+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := flags{Quick: true, Tenants: 1, Pool: 8, Out: out, Page: page}
	block, nowhere := f.base("block"), f.base("none")
	block.connections, nowhere.connections = 8, 8
	nowhere.name, nowhere.kind.Path = "nowhere", "/nowhere"
	short := func(name string, sides ...side) scenario {
		return scenario{name, "title of " + name, sides, 1, 200 * time.Millisecond, 100 * time.Millisecond}
	}
	var text strings.Builder
	b := &bench{flags: f, out: &text}
	err := b.run(t.Context(), []scenario{short("batch", block, nowhere), short("hot", block), short("numbers", nowhere)})
	if err == nil || errors.Is(err, errGuard) || !strings.Contains(err.Error(), "scenario batch") || !strings.Contains(err.Error(), "scenario numbers") {
		t.Errorf("not all that failed is told: %v", err)
	}
	for _, want := range []string{"scenario batch failed: nowhere", "scenario numbers failed: nowhere", "memory of a replica"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it does not print %q:\n%s", want, text.String())
		}
	}
	var all struct {
		Results []result  `json:"results"`
		Failed  []failure `json:"failed"`
	}
	read, err := os.ReadFile(filepath.Join(out, "bench.json"))
	if err == nil {
		err = json.Unmarshal(read, &all)
	}
	if err != nil || len(all.Results) != 1 || find(all.Results, "hot", "block") == nil {
		t.Errorf("%v; what is left of the results: %+v", err, all.Results)
	}
	if len(all.Failed) != 2 || all.Failed[0].Scenario != "batch" || all.Failed[1].Scenario != "numbers" || !strings.Contains(all.Failed[1].Why, "404") {
		t.Errorf("bench.json says that these failed: %+v", all.Failed)
	}
	written, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(written), "### Title of hot\n") || strings.Contains(string(written), "itle of batch") {
		t.Errorf("%v; the page is %s", err, written)
	}
	if !strings.Contains(string(written), "\nThe scenario batch failed: nowhere: ") || !strings.Contains(string(written), "\nThe scenario numbers failed: nowhere: ") {
		t.Errorf("the page does not name what failed: %s", written)
	}
}

// playAll runs scenarios that need no stack: those without sides are well, and those with
// a side of nobody fail.
func playAll(ctx context.Context) *bench {
	well, badly := scenario{name: "well"}, scenario{name: "badly", sides: []side{{entrant: "nobody"}}}
	b := &bench{out: io.Discard}
	b.playAll(ctx, []scenario{well, badly, well})
	return b
}

func TestScenariosGoOnBehindOneThatFailedUnlessTheRunIsToEnd(t *testing.T) {
	b := playAll(t.Context())
	if len(b.played) != 2 || len(b.failed) != 1 || b.failed[0].Scenario != "badly" || b.failures() == nil {
		t.Errorf("played %d, failed %+v", len(b.played), b.failed)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if b = playAll(ended); len(b.played) != 1 || b.failures() == nil {
		t.Errorf("%d were played though the run was to end", len(b.played))
	}
}

func TestWhyAScenarioFailedIsOneLine(t *testing.T) {
	f := failed("growth", errors.Join(errors.New("build folio\n  exit status 1"), errors.New("stop")))
	if f.Why != "build folio; exit status 1; stop" || !strings.Contains(f.err.Error(), "scenario growth: build folio") {
		t.Errorf("%+v", f)
	}
}
