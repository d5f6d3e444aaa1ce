package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"folio/internal/forecast"
	"folio/internal/plot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWordsForNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": count(0), "999": count(999), "1,000": count(1000), "12,345,678": count(12_345_678), "-1,000": count(-1000),
		"541 B": size(541), "1.1 kB": size(1130), "18 kB": size(18_030), "33 MB": size(33e6), "1.0 GB": size(999.9e6),
		"2.00": ratio(4, 2), "0.031": ratio(31, 1000), "100 %": percent(1), "0.98 %": percent(0.0098), "0 %": percent(0),
		"0.0032": rate(0.00316227), "320": rate(316.2278), "0.0": places(0), "144": places(143.6),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// small is a crowd that takes no time.
var small = []string{"--tenants", "300", "--replicas", "5", "--per-second", "60", "--long", "5s"}

func TestThePageIsRewrittenBetweenItsMarkers(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	if err := os.WriteFile(page, []byte("before\n"+begin+"STALE\n"+end+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(append(small, "--out", dir, "--page", page), io.Discard); err != nil {
		t.Fatal(err)
	}
	text := read(t, page)
	if !strings.HasPrefix(text, "before\n"+begin+"### ") || !strings.HasSuffix(text, end+"\nafter\n") || strings.Contains(text, "STALE") {
		t.Errorf("the page is %s", text)
	}
	if !strings.Contains(text, "300 tenants on 5 replicas, 60 invoices a second") {
		t.Error("the page does not say which crowd it is of")
	}
	if err := plot.Check(read(t, filepath.Join(dir, "held.svg")), "folio", "Leaf", "TiDB", "ramp", "burst", "stop"); err != nil {
		t.Error(err)
	}
	if err := plot.Check(read(t, filepath.Join(dir, "crowd.svg")), "any replica", "always the same"); err != nil {
		t.Error(err)
	}
}

func TestAPageWithoutMarkersStays(t *testing.T) {
	for _, text := range []string{"", begin, end, end + begin} {
		if got, err := replace(text, "tables"); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestOddArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"more"}, {"--tenants", "0"}, {"--tenants", "many"}, {"--page", filepath.Join(t.TempDir(), "none")}} {
		if err := run(slices.Concat(small, args), io.Discard); err == nil {
			t.Errorf("%v ran", args)
		}
	}
	var usage strings.Builder
	if err := run([]string{"--help"}, &usage); err != nil || !strings.Contains(usage.String(), "-per-second") {
		t.Errorf("--help: %v, and says %q", err, usage.String())
	}
}

// TestThePageOfTheProjectHasItsDrawings: what docs/performance.md shows is there
// and whole, and its tables are of the crowd that the command serves.
func TestThePageOfTheProjectHasItsDrawings(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "docs")
	text := read(t, filepath.Join(docs, "performance.md"))
	shown := regexp.MustCompile(`\]\((performance/[^)]+)\)`).FindAllStringSubmatch(text, -1)
	if len(shown) < 2 {
		t.Errorf("%d drawings, want held.svg and crowd.svg at least", len(shown))
	}
	for _, s := range shown {
		check := func(svg string) error { return plot.Check(svg) }
		if strings.HasSuffix(s[1], ".flame.svg") {
			check = plot.CheckFlame
		}
		if err := check(read(t, filepath.Join(docs, s[1]))); err != nil {
			t.Errorf("%s: %v", s[1], err)
		}
	}
	all, err := allSizes(forecast.Million(0).Seed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, sizesTable(all)) {
		t.Error("docs/performance.md is not what the rules give today: make forecast")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
