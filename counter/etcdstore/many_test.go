package etcdstore_test

import (
	"fmt"
	"testing"
	"time"

	"folio/counter"
)

// TestAStepOfLongLedgersIsTaken: as many ledgers of a hundred blocks each as a step may
// have.
func TestAStepOfLongLedgersIsTaken(t *testing.T) {
	s := open(t, startEtcd(t, 1), 60)
	c := &client{store: s}
	c.register(timeout(t), t)
	long := counter.Ledger{}
	for i := range 100 {
		name := fmt.Sprintf("folio-0123456789-abcde.%010d", i)
		next, _, err := long.Reserve(counter.Want{Holder: name, Era: "1.00000001.7576148392017364028", Count: 1, At: time.Now().UTC()})
		if err != nil {
			t.Fatal(err)
		}
		long = next
	}
	next, own, err := long.Reserve(counter.Want{Holder: c.holder(), Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	var step []counter.Replacement
	for i, size := 0, 0; ; i++ {
		if err := s.Swap(timeout(t), c.holder(), numbered(i), "", next); err != nil {
			t.Fatal(err)
		}
		led, v, err := s.Load(timeout(t), numbered(i))
		if err != nil {
			t.Fatal(err)
		}
		if size += len(v); size > counter.MaxSwapBytes {
			break
		}
		released, err := led.Release(own, []counter.Range{own.Range}, time.Now().UTC())
		if err != nil {
			t.Fatal(err)
		}
		step = append(step, counter.Replacement{Series: numbered(i), Old: v, Next: released})
	}
	if err := s.SwapMany(timeout(t), c.holder(), step); err != nil {
		t.Fatal(err)
	}
	for _, r := range step {
		if l, _, err := s.Load(timeout(t), r.Series); err != nil || !l.Equal(r.Next) {
			t.Fatalf("%s: %v, %v", r.Series, l, err)
		}
	}
	t.Logf("%d ledgers of %d bytes in one step", len(step), len(step[0].Old))
}
