package forecast

import (
	"testing"
	"time"

	"folio/counter"
)

func TestTheMeterForgetsWhatIsOlderThanTenSeconds(t *testing.T) {
	var m meter
	add := func(second, n int) {
		for range n {
			m.add(time.Duration(second) * time.Second)
		}
	}
	add(0, 5)
	add(4, 7)
	for _, c := range []struct {
		second int
		want   counter.Demand
	}{
		{4, counter.Demand{Takes: 12, Over: 5 * time.Second}},
		{9, counter.Demand{Takes: 12, Over: 10 * time.Second}},
		{10, counter.Demand{Takes: 7, Over: 10 * time.Second}},
		{14, counter.Demand{}},
	} {
		if got := m.demand(time.Duration(c.second) * time.Second); got != c.want {
			t.Errorf("after %d s: %+v, want %+v", c.second, got, c.want)
		}
	}
}

func TestAGaugeKnowsMeanPeakAndPeaks(t *testing.T) {
	g := gauge{Every: 10 * time.Second}
	g.set(5*time.Second, 100)
	g.set(25*time.Second, 0)
	g.set(26*time.Second, 300)
	g.set(26*time.Second, 20)
	g.pass(40 * time.Second)
	if g.most != 300 {
		t.Errorf("peak %d, want 300", g.most)
	}
	if want := (100*20 + 20*14) / 40.0; g.mean() != want {
		t.Errorf("mean %v, want %v", g.mean(), want)
	}
	want := []int64{100, 100, 300, 20}
	if len(g.Peaks) != len(want) {
		t.Fatalf("peaks %v, want %v", g.Peaks, want)
	}
	for i := range want {
		if g.Peaks[i] != want[i] {
			t.Errorf("peaks %v, want %v", g.Peaks, want)
		}
	}
	g.restart(40 * time.Second)
	g.pass(50 * time.Second)
	if g.mean() != 20 || g.most != 20 {
		t.Errorf("begun anew: mean %v, peak %d, want 20 both", g.mean(), g.most)
	}
}
