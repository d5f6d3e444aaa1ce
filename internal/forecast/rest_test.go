package forecast

import (
	"testing"
	"time"
)

// TestWhatABurstLeftIsHandedBackWithinMinutes: with a request every five minutes the
// replicas have rested, with one every two seconds they have not, but had far more
// than they needed.
func TestWhatABurstLeftIsHandedBackWithinMinutes(t *testing.T) {
	times := []time.Duration{10 * time.Second, 20 * time.Minute, time.Hour}
	rests := func(gap time.Duration) []Rest {
		t.Helper()
		r, err := Rests(1, gap, times)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	restful, restless := rests(5*time.Minute), rests(2*time.Second)
	if restful[0].Held == 0 || restful[1].Held != 0 || restful[2].Held != 0 {
		t.Errorf("a request every five minutes: %+v; want something held at first and then nothing", restful)
	}
	if restless[0].Held < 1000 || restless[1].Held > 30 || restless[2].Held > 30 {
		t.Errorf("a request every two seconds: %+v; want much held at first and then hardly anything", restless)
	}
}
