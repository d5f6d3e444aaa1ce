package counter

import (
	"testing"
	"time"
)

func TestSizeOfTheNextBlock(t *testing.T) {
	few := Bounds{Min: 5, Max: 20}
	for name, c := range map[string]struct {
		last   int64
		seen   Demand
		bounds Bounds
		want   int64
	}{
		"never used":                {0, Demand{}, Bounds{}, 1},
		"nine takes stay single":    {1, Demand{9, window}, Bounds{}, 1},
		"ten takes in ten seconds":  {1, Demand{10, window}, Bounds{}, 4},
		"a burst grows fourfold":    {4, Demand{500, time.Second}, Bounds{}, 16},
		"ten seconds at the rate":   {400, Demand{500, window}, Bounds{}, 500},
		"shrinks at once":           {100_000, Demand{50, window}, Bounds{}, 50},
		"and back to one":           {100_000, Demand{3, window}, Bounds{}, 1},
		"never above the maximum":   {900_000, Demand{5_000_000, window}, Bounds{}, maxBlock},
		"the first second is whole": {1_000_000, Demand{20, 0}, Bounds{}, 200},
		"a series' own minimum":     {1, Demand{}, few, 5},
		"a series' own maximum":     {900, Demand{5_000, window}, few, 20},
		"fourfold up to it":         {4, Demand{5_000, window}, few, 16},
		"a maximum beyond all":      {900_000, Demand{5_000_000, window}, Bounds{Max: 2_000_000}, maxBlock},
	} {
		if got := NextSize(c.last, c.seen, c.bounds); got != c.want {
			t.Errorf("%s: NextSize(%d, %+v, %+v) = %d, want %d", name, c.last, c.seen, c.bounds, got, c.want)
		}
	}
}

func TestARefillIsAheadByTimeLeftAndTimeSeen(t *testing.T) {
	for name, c := range map[string]struct {
		seen   Demand
		refill time.Duration
		want   int64
	}{
		"never used":                  {Demand{}, time.Second, 0},
		"a quiet series is never":     {Demand{9, window}, time.Second, 0},
		"at least 50 ms ahead":        {Demand{10_000, window}, time.Millisecond, 50},
		"no refill seen yet":          {Demand{10_000, window}, 0, 50},
		"ten refills ahead":           {Demand{10_000, window}, 20 * time.Millisecond, 200},
		"a slow store, a busy series": {Demand{200_000, window}, 200 * time.Millisecond, 40_000},
		"it adapts to the rate":       {Demand{100, window}, 200 * time.Millisecond, 20},
	} {
		if got := Ahead(c.seen, c.refill); got != c.want {
			t.Errorf("%s: Ahead(%+v, %s) = %d, want %d", name, c.seen, c.refill, got, c.want)
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
