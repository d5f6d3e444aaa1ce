package forecast

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tooMany names a curve that held more than ten seconds' worth of numbers, with a
// tenth more for the chance in when requests come.
func tooMany(c Curve, rate float64) error {
	if most := 1.1*10*rate + 10; float64(c.Most) > most {
		return fmt.Errorf("%s held %d numbers at %.0f a second, want at most %.0f", c.Rule, c.Most, rate, most)
	}
	return nil
}

func TestFolioHoldsAboutTenSecondsOfNumbers(t *testing.T) {
	for _, rate := range []float64{0.1, 1, 5, 50, 500} {
		curves, err := Sizes(1, Steady("steady", rate, 10*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		folio, leaf, tidb := curves[0], curves[1], curves[2]
		if err := tooMany(folio, rate); err != nil {
			t.Error(err)
		}
		if rate >= 5 && float64(folio.Most) < 5*rate {
			t.Errorf("folio held at most %d at %.0f a second: its blocks last less than half of what they should", folio.Most, rate)
		}
		if tooMany(leaf, rate) == nil || tooMany(tidb, rate) == nil {
			t.Errorf("the check lets %d of Leaf and %d of TiDB pass at %.0f a second", leaf.Most, tidb.Most, rate)
		}
	}
}

func TestATenantThatStopsHoldsNothingAfterAMinute(t *testing.T) {
	curves, err := Sizes(1, Stop())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range curves {
		stopped := int(10 * time.Minute / c.Every)
		later := int(12 * time.Minute / c.Every)
		if c.Peaks[stopped-1] == 0 {
			t.Errorf("%s held nothing while it was busy: the check shows nothing", c.Rule)
		}
		if held := c.Peaks[later]; (held == 0) != c.Returns {
			t.Errorf("%s held %d two minutes after the last request; it hands back: %t", c.Rule, held, c.Returns)
		}
	}
}

func TestTheSameSeedGivesTheSameCurves(t *testing.T) {
	one, err := Sizes(7, Burst())
	if err != nil {
		t.Fatal(err)
	}
	two, err := Sizes(7, Burst())
	if err != nil {
		t.Fatal(err)
	}
	other, err := Sizes(8, Burst())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, two) {
		t.Error("the same seed gave other curves")
	}
	if reflect.DeepEqual(one, other) {
		t.Error("another seed gave the same curves: the seed does nothing")
	}
}
