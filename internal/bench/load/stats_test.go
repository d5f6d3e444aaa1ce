package load

import (
	"math"
	"testing"
	"time"
)

func TestTheMedianIsTheMiddleOrTheMeanOfTwo(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 100}, 3.5},
	} {
		if got := Median(row.values); got != row.want {
			t.Errorf("the median of %v is %v, want %v", row.values, got, row.want)
		}
	}
}

func TestMedianLeavesItsValuesInTheirOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	if Median(values); values[0] != 3 || values[2] != 2 {
		t.Errorf("they are %v now", values)
	}
}

func TestASummaryHasTheLeastTheMiddleAndTheMost(t *testing.T) {
	got := Summarise([]float64{30, 10, 20})
	if got != (Summary{Rounds: 3, Least: 10, Median: 20, Most: 30}) || got.Spread() != 1 {
		t.Errorf("%+v with spread %v", got, got.Spread())
	}
	if (Summary{}) != Summarise(nil) || Summarise(nil).Spread() != 0 {
		t.Error("no rounds make something")
	}
}

func TestRatiosPairRoundsThatRanSideBySide(t *testing.T) {
	for _, row := range []struct{ a, b, want []float64 }{
		{[]float64{10, 4}, []float64{5, 1}, []float64{2, 4}},
		{[]float64{10, 4, 9}, []float64{5, 1}, []float64{2, 4}},
		{[]float64{10, 4}, []float64{0, 2}, []float64{2}},
		{nil, []float64{1}, nil},
	} {
		got := Ratios(row.a, row.b)
		if len(got) != len(row.want) {
			t.Errorf("%v by %v is %v", row.a, row.b, got)
			continue
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%v by %v is %v", row.a, row.b, got)
			}
		}
	}
}

func TestQuantilesAreNearestRanks(t *testing.T) {
	var took []time.Duration
	for i := 1000; i >= 1; i-- {
		took = append(took, time.Duration(i)*time.Millisecond)
	}
	got := Quantiles(took)
	if got != (Latencies{Count: 1000, P50: 0.5, P90: 0.9, P99: 0.99, P999: 0.999, Most: 1}) {
		t.Errorf("%+v", got)
	}
	if got := Quantiles([]time.Duration{time.Second}); got.P50 != 1 || got.P999 != 1 {
		t.Errorf("of one value: %+v", got)
	}
	if got := Quantiles(nil); got != (Latencies{}) {
		t.Errorf("of none: %+v", got)
	}
}

func TestACrowdFollowsZipfsLaw(t *testing.T) {
	const tenants, draws = 100, 200_000
	c, seen := NewCrowd(tenants, 1), make([]float64, tenants)
	for range draws {
		seen[c.Next()]++
	}
	harmonic := 0.0
	for i := range tenants {
		harmonic += 1 / float64(i+1)
	}
	for _, i := range []int{0, 1, 9, 99} {
		want := draws / float64(i+1) / harmonic
		if math.Abs(seen[i]-want) > 6*math.Sqrt(want) {
			t.Errorf("tenant %d was chosen %v times, want about %.0f", i, seen[i], want)
		}
	}
	if Only(3).Next() != 3 || NewCrowd(1, 1).Next() != 0 {
		t.Error("a crowd of one tenant chooses another")
	}
	a, b, other := NewCrowd(tenants, 7), c.Again(7), c.Again(8)
	same, differ := true, false
	for range 20 {
		x := a.Next()
		same, differ = same && x == b.Next(), differ || x != other.Next()
	}
	if !same || !differ {
		t.Errorf("the same seed chooses the same: %v, another chooses others: %v", same, differ)
	}
}

func TestAPartOfACrowdKeepsTheProportionsOfTheWhole(t *testing.T) {
	const tenants, of, draws = 100, 3, 200_000
	for part := range of {
		weights := 0.0
		for i := part; i < tenants; i += of {
			weights += 1 / float64(i+1)
		}
		c, seen := NewPart(part, of, tenants, 1).Again(uint64(part)), make([]float64, tenants)
		for range draws {
			seen[c.Next()]++
		}
		for i, n := range seen {
			want := 0.0
			if i%of == part {
				want = draws / float64(i+1) / weights
			}
			if math.Abs(n-want) > 6*math.Sqrt(want) {
				t.Errorf("part %d: tenant %d was chosen %v times, want about %.0f", part, i, n, want)
			}
		}
	}
	if got := NewPart(2, 3, 3, 1).Again(1).Next(); got != 2 {
		t.Errorf("a part of one tenant chooses tenant %d", got)
	}
}
