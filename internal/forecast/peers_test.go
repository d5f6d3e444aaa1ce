package forecast

import (
	"testing"
	"time"
)

func TestLeafDoublesWhatLastedLessThanFifteenMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		last   int64
		lasted time.Duration
		want   int64
	}{
		"a moment":                   {2000, time.Second, 4000},
		"just below fifteen minutes": {2000, 15*time.Minute - 1, 4000},
		"fifteen minutes":            {4000, 15 * time.Minute, 4000},
		"just below thirty minutes":  {4000, 30*time.Minute - 1, 4000},
		"thirty minutes":             {4000, 30 * time.Minute, 2000},
		"not below the configured":   {3999, time.Hour, 3999},
		"up to a million":            {500_000, time.Second, 1_000_000},
		"not beyond, and not up to":  {512_000, time.Second, 512_000},
	} {
		if got := leafStep(c.last, leafConfigured, c.lasted); got != c.want {
			t.Errorf("%s: after %d that lasted %s: %d, want %d", name, c.last, c.lasted, got, c.want)
		}
	}
}

func TestTiDBReservesTenSecondsButNeverFewerThanThirtyThousand(t *testing.T) {
	for name, c := range map[string]struct {
		last   int64
		lasted time.Duration
		want   int64
	}{
		"at its aim":         {50_000, 10 * time.Second, 50_000},
		"twice as fast":      {50_000, 5 * time.Second, 100_000},
		"a quiet table":      {30_000, time.Hour, 30_000},
		"a busy one, slower": {2_000_000, 20 * time.Second, 1_000_000},
		"the upper bound":    {2_000_000, time.Second, 2_000_000},
		"in no time":         {30_000, 0, 2_000_000},
	} {
		if got := tidbStep(c.last, c.lasted); got != c.want {
			t.Errorf("%s: after %d that lasted %s: %d, want %d", name, c.last, c.lasted, got, c.want)
		}
	}
}

// TestAPeersSegmentsFollowItsRule counts by hand: 2,000 numbers at 100 a second,
// the next segment asked for at each tenth used.
func TestAPeersSegmentsFollowItsRule(t *testing.T) {
	l := &leaf{configured: 2000, supply: supply{refill: fetchTime}}
	d := &tidb{supply: supply{refill: fetchTime}}
	for n := range 30_000 {
		at := time.Duration(n) * 10 * time.Millisecond
		l.take(at)
		d.take(at)
	}
	// 2,000 and 2,000, then 4,000, 8,000, 16,000; the last fetched when a tenth
	// of the 8,000 was used, 32,000 more at a tenth of the 16,000.
	if l.fetches != 6 || l.step != 32_000 {
		t.Errorf("Leaf fetched %d segments, the last of %d; want 6, and 32,000", l.fetches, l.step)
	}
	if l.left+l.ready+30_000 != 2000+2000+4000+8000+16_000+32_000 {
		t.Errorf("Leaf lost count: %d in use, %d ready", l.left, l.ready)
	}
	if d.fetches != 1 || d.left != 0 || d.waits != 1 {
		t.Errorf("TiDB: %d batches, %d left, %d waited; want the first used up and one request that waited", d.fetches, d.left, d.waits)
	}
	d.take(time.Hour)
	d.pass(time.Hour + time.Second)
	if d.fetches != 2 || d.left != 29_999 {
		t.Errorf("TiDB: %d batches, %d left; want a second of 30,000", d.fetches, d.left)
	}
}
