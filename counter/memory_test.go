package counter_test

import (
	"context"
	"runtime"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// forgetful is a store that keeps no ledger, so that what a test weighs is the
// allocator alone. Each series is given its first number, once.
type forgetful struct{ countertest.Mem }

func (*forgetful) Load(context.Context, counter.Series) (counter.Ledger, counter.Version, error) {
	return counter.Ledger{}, "", nil
}

func (*forgetful) Swap(context.Context, string, counter.Series, counter.Version, counter.Ledger) error {
	return nil
}

func (*forgetful) HeldBy(context.Context, string) ([]counter.Series, error) { return nil, nil }

// TestAnIdleSeriesCostsAtMost400Bytes weighs 100,000 series of which one number
// each was taken and spent: what a replica keeps until they are handed back.
func TestAnIdleSeriesCostsAtMost400Bytes(t *testing.T) {
	r := run(t, counter.Config{Store: &forgetful{}})
	names := make([]counter.Series, manySeries)
	for i := range names {
		names[i] = numbered(i)
	}
	r.issueOf(names[0])
	before := heap()
	for _, s := range names[1:] {
		r.issueOf(s)
	}
	each := float64(heap()-before) / float64(len(names)-1)
	t.Logf("%.0f bytes for each of %d idle series", each, len(names))
	if each > 400 {
		t.Errorf("%.0f bytes for an idle series, want at most 400", each)
	}
	if got := r.Stats().Series; got != manySeries {
		t.Errorf("%d series are there: the test weighs something else", got)
	}
	runtime.KeepAlive(names)
}

func (r *replica) issueOf(s counter.Series) {
	r.t.Helper()
	n, err := r.Take(context.Background(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	n.Spend()
}

// heap returns what is in use when nothing is left to be freed.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
