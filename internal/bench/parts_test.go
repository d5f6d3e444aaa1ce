package main

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"folio/internal/bench/load"
	"folio/internal/plot"
)

// rounds makes rounds with these rates.
func rounds(rates ...float64) []round {
	var all []round
	for _, r := range rates {
		all = append(all, round{Numbers: r})
	}
	return all
}

func TestABarIsMetByTheMedianOfTheRatiosOfRounds(t *testing.T) {
	least := bar{says: "x", what: rate, atLeast: 2}
	for _, c := range []struct {
		name         string
		bar          bar
		of, per      []round
		met, guarded bool
		median       float64
	}{
		{"over", least, rounds(300, 210, 100), rounds(100, 100, 100), true, true, 2.1},
		{"under", least, rounds(190, 150, 900), rounds(100, 100, 100), false, true, 1.9},
		{"under the guard", least, rounds(139), rounds(100), false, false, 1.39},
		{"a slow machine hurts both", least, rounds(300, 3), rounds(100, 1), true, true, 3},
		{"no rounds", least, nil, nil, false, false, 0},
		{"at most, kept", bar{what: rate, one: true, atMost: 150}, rounds(150), nil, true, true, 150},
		{"at most, over", bar{what: rate, one: true, atMost: 150}, rounds(200), nil, false, true, 200},
		{"at most, over the guard", bar{what: rate, one: true, atMost: 150}, rounds(215), nil, false, false, 215},
		{"told only", bar{what: rate}, rounds(1), rounds(2), true, true, 0.5},
		{"two figures of one side", bar{what: p999, perWhat: p50, atMost: 5}, []round{{Latency: load.Latencies{P50: 1, P999: 4}}}, []round{{Latency: load.Latencies{P50: 1, P999: 4}}}, true, true, 4},
		{"behind its arrivals", bar{what: p999, perWhat: p50, atMost: 5}, []round{{Arrivals: 100, Behind: 26, Latency: load.Latencies{P50: 1, P999: 1}}}, []round{{Latency: load.Latencies{P50: 1}}}, false, false, 1},
		{"in a round without a refill", bar{what: rate, one: true, atMost: 5, refilled: true}, []round{{Numbers: 1, Refills: 1}, {Numbers: 1}}, nil, false, false, 1},
		{"a refill in each round", bar{what: rate, one: true, atMost: 5, refilled: true}, []round{{Numbers: 1, Refills: 1}, {Numbers: 1, Refills: 2}}, nil, true, true, 1},
	} {
		got := c.bar.judge(&result{Rounds: c.of}, &result{Rounds: c.per})
		if got.Met != c.met || got.Guarded != c.guarded || got.Ratio.Median != c.median {
			t.Errorf("%s: %+v", c.name, got)
		}
		var line strings.Builder
		got.print(&line)
		if bound := c.bar.atLeast+c.bar.atMost > 0; bound && strings.Contains(line.String(), "MISSED") == c.met {
			t.Errorf("%s: %s", c.name, line.String())
		}
	}
}

func TestAQuickRunFailsIfARatioFallsUnderTheGuard(t *testing.T) {
	for _, c := range []struct {
		block float64
		quick bool
		want  error
	}{{2000, true, nil}, {1401, true, nil}, {1399, true, errGuard}, {1399, false, nil}} {
		b := &bench{flags: flags{Quick: c.quick}, out: io.Discard, results: []result{
			{Scenario: "hot", Side: "block", Rounds: rounds(c.block)}, {Scenario: "hot", Side: "row-lock", Rounds: rounds(100)},
		}}
		if err := b.report(time.Second); !errors.Is(err, c.want) {
			t.Errorf("%v by 100, quick %v: %v", c.block, c.quick, err)
		}
	}
}

func TestArrivalsAreAShareOfTheBestOfTheSameEntrant(t *testing.T) {
	turns := []*turn{
		{side: side{entrant: "block"}}, {side: side{entrant: "strict"}},
		{side: side{entrant: "strict", share: 0.8, kind: load.Kind{Batch: 10}}},
	}
	results := []result{{Rounds: rounds(1000)}, {Rounds: rounds(400, 500, 600)}, {}}
	if got := arrivals(turns, results, 2); got != 40 {
		t.Errorf("%v requests a second, want 0.8 of 500 numbers in tens", got)
	}
	if arrivals(turns, results, 0) != 0 {
		t.Error("the closed model has a rate")
	}
}

// Each connection asks only for tenants of the replica that it is connected to, if they
// stay there, and else for any.
func TestAConnectionAsksForTheTenantsOfItsReplica(t *testing.T) {
	const tenants, draws = 7, 500
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	one := replica{address: l.Addr().String()}
	for _, affine := range []bool{true, false} {
		s := side{connections: 6, replicas: 3, crowd: tenants, affine: affine}
		turn := &turn{side: s, fleet: &fleet{replicas: []replica{one, one, one}}, forms: load.NewForms(s.kind, make([]string, tenants)), crowds: crowdsOf(s)}
		clients, err := (&bench{}).clients(t.Context(), turn)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range clients {
			seen := make(map[int]bool)
			for range draws {
				tenant := c.Crowd.Next()
				seen[tenant] = true
				if affine && tenant%3 != i%3 {
					t.Fatalf("connection %d, to replica %d, asked for tenant %d", i, i%3, tenant)
				}
			}
			if want := (tenants + 2 - i%3) / 3; affine && len(seen) != want || !affine && len(seen) != tenants {
				t.Errorf("affine: %v; connection %d asked for %d tenants", affine, i, len(seen))
			}
		}
		if err := hangUp(clients); err != nil {
			t.Error(err)
		}
	}
}

func TestMetricsAreAddedUp(t *testing.T) {
	sums := map[string]float64{"a": 1}
	page := "# HELP a of a\n# TYPE a counter\na 2\nb{x=\"1\"} 5\nc 1.5e+06\n"
	if err := addMetrics(strings.NewReader(page), sums); err != nil || len(sums) != 2 || sums["a"] != 3 || sums["c"] != 1.5e6 {
		t.Errorf("%v, %v", sums, err)
	}
	for _, pause := range []string{"0.002", "0.005", "0.001"} { // of three replicas
		if err := addMetrics(strings.NewReader(longestPause+" "+pause+"\n"), sums); err != nil {
			t.Error(err)
		}
	}
	if got := sums[longestPause]; got != 0.005 {
		t.Errorf("the longest pause of three replicas is %v s", got)
	}
	if addMetrics(strings.NewReader("a two\n"), sums) == nil {
		t.Error("what is no number was taken for one")
	}
}

func TestAProcessIsReadWhateverItsName(t *testing.T) {
	got, ok := parseStat("42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 99 0 0")
	if !ok || got != (stat{42, 7, 2, 0.5}) {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, text := range []string{"", "42 (a", "42 (a) S 7"} {
		if _, ok := parseStat(text); ok {
			t.Errorf("%q was read", text)
		}
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		if self, ok := readStat("/proc/self/stat"); !ok || self.pid != os.Getpid() || self.parent != os.Getppid() {
			t.Errorf("of this process: %+v, %v", self, ok)
		}
	}
}

func TestWordsForNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": three(0), "1,234": three(1234.4), "12.3": three(12.34), "1.23": three(1.234), "0.12": three(0.1234), "999": count(999), "12,345,678": count(12_345_678),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is sent through arrives whole and in its order, and no sooner than a round trip
// takes.
func TestAFarEtcdAnswersAfterARoundTrip(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(c, c) // echoes until the other end closes
		_ = c.Close()
	}()
	far, err := startFarEtcd(l.Addr().String(), 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", far.address())
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	sent := strings.Repeat("0123456789", 20_000)
	go func() { _, _ = io.WriteString(c, sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != sent {
		t.Errorf("%v, or something else arrived", err)
	}
	if took := time.Since(begun); took < 100*time.Millisecond {
		t.Errorf("a round trip took %s", took)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := far.close(); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	<-served
}

func TestTheStacksOfAProfileAreRead(t *testing.T) {
	const traces = `File: folio
Type: cpu
Duration: 1s, Total samples = 40ms ( 4.00%)
-----------+-------------------------------------------------------
      10ms   runtime.futex
             runtime.mcall (inline)
-----------+-------------------------------------------------------
             key:  value
      1.50s   folio/httpapi.(*api).createInvoice
             net/http.(*conn).serve
-----------+-------------------------------------------------------
`
	got, err := parseTraces(strings.NewReader(traces))
	want := []plot.Stack{
		{Calls: []string{"runtime.mcall", "runtime.futex"}, Weight: 0.01},
		{Calls: []string{"net/http.(*conn).serve", "folio/httpapi.(*api).createInvoice"}, Weight: 1.5},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseTraces(strings.NewReader("File: folio\n")); err == nil {
		t.Error("a profile without samples is taken for one")
	}
}
