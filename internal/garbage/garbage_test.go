package garbage

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"
)

func TestGarbageIsBoundedByWhatLivesAndByItsHeadroom(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 500}, {1, 500}, {10 * mib, 500}, {16 * mib, 400},
		{32 * mib, 200}, {40 * mib, 160}, {64 * mib, 100}, {100 * mib, 100}, {1 << 50, 100},
	} {
		if got := percentFor(c.live); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.live/mib, got, c.want)
		}
	}
	for live := uint64(1); live < 1<<40; live += live/7 + 1 {
		garbage := live * uint64(percentFor(live)) / 100
		if garbage > max(headroom, live) || garbage > live*collectAtMost/100 || garbage < live {
			t.Fatalf("%d bytes live: %d of garbage", live, garbage)
		}
	}
}

// What lives grows from little to more than the headroom, and goes.
func TestThePercentageFollowsWhatLives(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	var at atomic.Int64
	var over atomic.Bool
	c := &collector{percent: -1, ended: over.Load, set: func(percent int) int {
		at.Store(int64(percent))
		return debug.SetGCPercent(percent)
	}}
	defer over.Store(true)
	c.collected(nil)
	until := func(want int64) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); at.Load() != want; runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatalf("it stays at %d %%, want %d", at.Load(), want)
			}
			runtime.GC()
		}
	}
	until(collectAtMost)
	much := make([]byte, 2*headroom)
	until(collectAtLeast)
	runtime.KeepAlive(much)
	until(collectAtMost)
}
