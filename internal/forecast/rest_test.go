package forecast

import (
	"testing"
	"time"
)

// TestOnlyAMinutesRestEndsWhatABurstLeft: with a request every five minutes each
// replica hands back what it has; with one every two seconds none ever does.
func TestOnlyAMinutesRestEndsWhatABurstLeft(t *testing.T) {
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
	for i, r := range restless[1:] {
		used := int64((r.After - restless[i].After) / (2 * time.Second))
		if restless[i].Held-r.Held != used || r.Distance < used {
			t.Errorf("a request every two seconds: %+v; want only its requests to use up what is held, out of order", restless)
		}
	}
}
