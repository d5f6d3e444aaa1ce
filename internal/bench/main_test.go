package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"folio/internal/bench/contender"
	"folio/internal/devcluster/etcd"
	"folio/internal/plot"
)

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	contender.RunIfReplica()
	goleak.VerifyTestMain(m)
}

// TestARunMeasuresChecksAndTells runs a few scenarios, shortly, with all that they need:
// what comes out is a sign that they work, not a measurement.
func TestARunMeasuresChecksAndTells(t *testing.T) {
	out := t.TempDir()
	page := filepath.Join(out, "page.md")
	if err := os.WriteFile(page, []byte("before\n"+begin+"STALE\n"+end+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	args := []string{
		"--only", "hot,hot-8,batch,open,writers", "--connections", "8,256", "--contenders", "none,row-lock,sequence",
		"--rounds", "1", "--round", "200ms", "--warm-up", "100ms", "--tenants", "2", "--recycle", "4", "--out", out, "--page", page,
	}
	if status := run(t.Context(), args, &text, &text); status != 0 {
		t.Fatalf("status %d:\n%s", status, text.String())
	}
	for _, want := range []string{"block by the row-lock counter", "batches of 100 by single posts"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it does not tell %q:\n%s", want, text.String())
		}
	}
	drawn, err := os.ReadFile(filepath.Join(out, "throughput.svg"))
	if err == nil {
		err = plot.Check(string(drawn), "block", "row-lock", "256")
	}
	if err != nil {
		t.Errorf("the drawing: %v", err)
	}
	written, err := os.ReadFile(page)
	if err != nil || strings.Contains(string(written), "STALE") || !strings.Contains(string(written), "| batches of 100 |") || !strings.HasSuffix(string(written), end+"\nafter\n") {
		t.Errorf("%v; the page is %s", err, written)
	}
	checkJSON(t, filepath.Join(out, "bench.json"))
}

func checkJSON(t *testing.T, path string) {
	var all struct {
		Machine machine  `json:"machine"`
		Results []result `json:"results"`
	}
	read, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(read, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	block := find(all.Results, "hot", "block")
	if block == nil || len(block.Rounds) != 1 {
		t.Fatalf("no rounds of block: %+v", all.Results)
	}
	if r := block.Rounds[0]; r.Numbers <= 0 || r.Allocations <= 0 || r.WAL <= 0 || r.Latency.P50 <= 0 || r.CPU[cpuReplicas] <= 0 || r.GC.Longest <= 0 || r.Gaps != nil {
		t.Errorf("a figure is missing, or there is one too many: %+v", r)
	}
	if r := find(all.Results, "hot", "none").Rounds[0]; r.WAL > block.Rounds[0].WAL/10 {
		t.Errorf("the handler without a database wrote %v bytes of WAL for each number", r.WAL)
	}
	checkStalls(t, all.Results)
	checkMachine(t, all.Machine)
}

// checkStalls looks for what a stall may be put down to.
func checkStalls(t *testing.T, all []result) {
	t.Helper()
	at80 := find(all, "open", "block at 80 %")
	if at80 == nil {
		t.Fatal("block was not tried at 80 %")
	}
	if r := at80.Rounds[0]; r.Arrivals <= 0 || len(r.Gaps) == 0 || r.Gaps[0].Length <= 0 {
		t.Errorf("it does not tell when no answer came: %+v", r)
	}
}

func checkMachine(t *testing.T, m machine) {
	t.Helper()
	if m.Cores < 1 || m.CPU == "" || !strings.HasPrefix(m.Etcd, "3.") || m.Postgres == "" || m.Recycled < 3 {
		t.Errorf("it was measured on %+v", m)
	}
	for _, want := range append(settings(), "checkpoint_timeout=") {
		if !strings.Contains(m.String(), want) {
			t.Errorf("%s is not told: %s", want, m)
		}
	}
	if told := m.FreeAtBegin != nil && m.FreeAtEnd != nil && strings.Contains(m.String(), " GB at the end"); !told && runtime.GOOS == "linux" {
		t.Errorf("how much room there was is not told: %s", m)
	}
	if name, err := os.Hostname(); err == nil && len(name) > 3 && strings.Contains(m.String(), name) {
		t.Errorf("the machine is named: %s", m)
	}
}

func TestOddArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"--only", "nothing"}, {"--contenders", "nobody"}, {"more"}, {"--round", "-1s"}, {"--tenants", "0"}, {"--rounds", "x"}, {"--page", "main_test.go~"}} {
		var text strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // should one be taken, it ends at once
		if status := run(ctx, args, &text, &text); status != 2 {
			t.Errorf("%v: status %d, %s", args, status, text.String())
		}
	}
}

func TestTheListNamesWhatCanBeAskedFor(t *testing.T) {
	var text strings.Builder
	if status := run(t.Context(), []string{"--list"}, &text, &text); status != 0 {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{"hot-16", "growth", "lines-50", "row-lock", "etcd", "copy"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the list:\n%s", want, text.String())
		}
	}
}

func TestEveryBarIsOfAScenarioThatThereIs(t *testing.T) {
	f := flags{Tenants: 10, Pool: 8, Connections: []int{1, 256}, Replicas: []int{1, 3}, Lines: []int{2}, GrownCrowd: 10}
	all, err := plan(f)
	if err != nil {
		t.Fatal(err)
	}
	sides, slow := make(map[string]bool), make(map[string]bool)
	for _, s := range all {
		for _, one := range s.sides {
			sides[s.name+"/"+one.name], slow[s.name+"/"+one.name] = true, one.slowEtcd
			if _, err := named(one.entrant); err != nil {
				t.Error(err)
			}
		}
	}
	for _, b := range bars() {
		if !sides[b.scenario+"/"+b.of] || !b.one && !sides[b.scenario+"/"+b.per] {
			t.Errorf("the bar %q is of nobody", b.says)
		}
		if slow[b.scenario+"/"+b.of] && !b.refilled {
			t.Errorf("the bar %q is met by who never asks the slow etcd", b.says)
		}
	}
}

func TestTheFenceIsFoundInTheStatementOfABatch(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("..", "..", "invoices", "batch.go"))
	if err != nil {
		t.Fatal(err)
	}
	without, err := withoutFence(string(code))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(without, "\t\tfor share of h`") {
		t.Error("the fence still stands there")
	}
	for name, other := range map[string]string{"gone": without, "there twice": string(code) + string(code)} {
		if _, err := withoutFence(other); err == nil {
			t.Errorf("nobody noticed that the fence is %s", name)
		}
	}
	overlay, err := unfencedOverlay(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", "-overlay", overlay, "folio/invoices").CombinedOutput(); err != nil {
		t.Errorf("without its fence invoices does not build: %v\n%s", err, out)
	}
}

func TestThePageOfTheProjectHasRoomForARun(t *testing.T) {
	if _, err := rewritten(filepath.Join("..", "..", "docs", "performance.md"), ""); err != nil {
		t.Error(err)
	}
}
