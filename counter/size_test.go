package counter

import (
	"testing"
	"time"
)

func TestSizeOfTheNextBlock(t *testing.T) {
	for name, c := range map[string]struct {
		last int64
		seen Demand
		want int64
	}{
		"never used":                {0, Demand{}, 1},
		"nine takes stay single":    {1, Demand{9, window}, 1},
		"ten takes in ten seconds":  {1, Demand{10, window}, 4},
		"a burst grows fourfold":    {4, Demand{500, time.Second}, 16},
		"ten seconds at the rate":   {400, Demand{500, window}, 500},
		"shrinks at once":           {100_000, Demand{50, window}, 50},
		"and back to one":           {100_000, Demand{3, window}, 1},
		"never above the maximum":   {900_000, Demand{5_000_000, window}, maxBlock},
		"the first second is whole": {1_000_000, Demand{20, 0}, 200},
	} {
		if got := NextSize(c.last, c.seen, Bounds{}); got != c.want {
			t.Errorf("%s: NextSize(%d, %+v) = %d, want %d", name, c.last, c.seen, got, c.want)
		}
	}
}

func TestWhatLastsMuchLongerThanABlockIsSurplus(t *testing.T) {
	for name, c := range map[string]struct {
		left int64
		seen Demand
		want bool
	}{
		"what a burst left":            {5_000, Demand{5, window}, true},
		"some minutes' worth":          {5_000, Demand{500, window}, true},
		"less than a minute's worth":   {2_999, Demand{500, window}, false},
		"a few numbers of a quiet one": {6, Demand{}, false},
		"nothing":                      {0, Demand{}, false},
	} {
		if got := Surplus(c.left, c.seen, Bounds{}); got != c.want {
			t.Errorf("%s: Surplus(%d, %+v) = %v", name, c.left, c.seen, got)
		}
	}
	if Surplus(60, Demand{}, Bounds{Min: 10}) {
		t.Error("what a series must reserve at least is called surplus")
	}
}

func TestTheMeterForgetsWhatIsOlderThanItsWindow(t *testing.T) {
	var m meter
	start := time.Unix(1_000_000, 0)
	at := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
	m.add(at(0), 5)
	m.add(at(4), 7)
	for _, c := range []struct {
		second int
		want   Demand
	}{
		{4, Demand{12, 5 * time.Second}},
		{9, Demand{12, window}},
		{10, Demand{7, window}},
		{14, Demand{}},
		{60, Demand{}},
	} {
		if got := m.demand(at(c.second)); got != c.want {
			t.Errorf("after %d s: %+v, want %+v", c.second, got, c.want)
		}
	}
	m.add(at(60), 1)
	if got := m.demand(at(60)); got != (Demand{1, time.Second}) {
		t.Errorf("begun anew: %+v", got)
	}
}
