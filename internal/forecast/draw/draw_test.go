package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/forecast"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wellDrawn names what is wrong with a drawing: no XML, a line outside its
// frame, a missing word.
func wellDrawn(svg string, words ...string) error {
	for dec := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	for _, w := range words {
		if !strings.Contains(svg, ">"+w+"<") {
			return fmt.Errorf("%q is not in the drawing", w)
		}
	}
	lines := 0
	for _, at := range regexp.MustCompile(`[ML]([^ MLHVh"]+) ([^ MLHVh"]+)`).FindAllStringSubmatch(svg, -1) {
		x, errX := strconv.ParseFloat(at[1], 64)
		y, errY := strconv.ParseFloat(at[2], 64)
		lines++
		if errX != nil || errY != nil || !(x >= 0 && x <= panelWidth && y >= 0 && y <= panelHeight) {
			return fmt.Errorf("%s lies outside", at[0])
		}
	}
	if lines == 0 {
		return errors.New("nothing is drawn")
	}
	return nil
}

func TestADrawingIsWhole(t *testing.T) {
	p := panel{title: "a & b", x: linear("x", 1, 3), y: fromZero("y", 3), lines: []line{{{0, 0}, {1, 5}, {9, 1e9}}}}
	d := drawing{title: "t", legend: []string{"one"}, panels: []panel{p}}
	if err := wellDrawn(d.svg(), "a &amp; b", "one", "x", "y", "1,000"); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]string{
		"cut off":        d.svg()[:len(d.svg())/2],
		"outside":        strings.ReplaceAll(d.svg(), "L", "L9999.0 1.0L"),
		"not a number":   strings.ReplaceAll(d.svg(), "L", "LNaN 1.0L"),
		"without a word": strings.ReplaceAll(d.svg(), ">one<", "><"),
		"nothing":        "<svg/>",
	} {
		if wellDrawn(broken, "one") == nil {
			t.Errorf("the check finds a drawing whole that is %s", name)
		}
	}
}

func TestAnAxisPlacesItsTicks(t *testing.T) {
	for name, c := range map[string]struct {
		axis axis
		v    float64
		want float64
	}{
		"half of a linear one":        {linear("", 10, 4), 20, 0.5},
		"a decade of four":            {decades("", -2, 2), 1, 0.5},
		"zero":                        {fromZero("", 3), 0, 0},
		"one, a decade above zero":    {fromZero("", 3), 1, 0.25},
		"the top":                     {fromZero("", 3), 1000, 1},
		"beyond the top, on the edge": {fromZero("", 3), 5000, 1},
		"below the bottom":            {decades("", 0, 2), 0.001, 0},
		"an hour of a day":            {hours(24 * time.Hour), 3600, 1.0 / 24},
	} {
		if got := c.axis.place(c.v); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

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
	if err := wellDrawn(read(t, filepath.Join(dir, "held.svg")), "folio", "Leaf", "TiDB", "ramp", "burst", "stop"); err != nil {
		t.Error(err)
	}
	if err := wellDrawn(read(t, filepath.Join(dir, "crowd.svg")), "any replica", "always the same"); err != nil {
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
	if len(shown) != 2 {
		t.Errorf("%d drawings, want 2", len(shown))
	}
	for _, s := range shown {
		if err := wellDrawn(read(t, filepath.Join(docs, s[1]))); err != nil {
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
