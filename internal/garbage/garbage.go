// Package garbage has a server collect its garbage seldom: see [CollectSeldom].
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much is allocated before garbage is collected: headroom bytes, but no less than Go's
// own collectAtLeast per cent of what lives, and no more than collectAtMost. Little of a
// replica lives, some ten megabytes, and each collection looks at the stacks of all
// connections and holds requests up: at Go's 100 it was a fifth of the CPU of a busy replica.
const (
	headroom       = 64 << 20
	collectAtLeast = 100
	collectAtMost  = 500 // or much would come beside what lives before a jump of that is noticed
)

// percentFor is GOGC for that many bytes that live.
func percentFor(live uint64) int {
	return int(min(collectAtMost, max(collectAtLeast, headroom*100/max(live, 1))))
}

// CollectSeldom sets GOGC after each collection, unless the environment sets it.
// GOMEMLIMIT still makes collections more frequent where memory is scarce.
func CollectSeldom() {
	if os.Getenv("GOGC") == "" {
		(&collector{percent: -1, set: debug.SetGCPercent}).collected(nil)
	}
}

// collector keeps GOGC in step with what lives.
type collector struct {
	percent int // that was set last
	set     func(percent int) (before int)
	ended   func() bool // nil: never
}

// cycle lives until the next collection.
type cycle struct{ of *collector }

// collected is called after each collection, which the runtime does by finalizing the
// cycle that ended with it: a clock would come too late when what lives grows fast.
func (c *collector) collected(*cycle) {
	if c.ended != nil && c.ended() {
		return
	}
	if percent := percentFor(liveBytes()); percent != c.percent {
		c.percent = percent
		c.set(percent)
	}
	runtime.SetFinalizer(&cycle{c}, c.collected)
}

// liveBytes is what the runtime takes the percentage of: what lived at the latest
// collection, and the stacks and globals that it looked at.
func liveBytes() (n uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			n += s.Value.Uint64()
		}
	}
	return n
}
