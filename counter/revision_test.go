package counter_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"folio/counter"
	"folio/counter/countertest"
)

// telling is a store that tells its revision with each swap, or loses the reply.
type telling struct {
	*countertest.Mem
	revision atomic.Int64
	mute     atomic.Bool
}

func (x *telling) SwapAt(ctx context.Context, holder string, s counter.Series, old counter.Version, next counter.Ledger) (int64, error) {
	if err := x.Swap(ctx, holder, s, old, next); err != nil {
		return 0, err
	}
	if x.mute.Swap(false) {
		return 0, countertest.ErrFault
	}
	return x.revision.Add(1), nil
}

func TestABlockKnowsTheRevisionAtWhichItWasReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &telling{Mem: &countertest.Mem{}}
		x.revision.Store(1<<40 - 1)
		r := run(t, counter.Config{Store: x})
		if n := r.take(); n.Block().Revision != 1<<40 {
			t.Errorf("reserved at revision %d, want %d", n.Block().Revision, int64(1<<40))
		}
		x.mute.Store(true)
		if n := r.take(); n.Block().Revision != 0 {
			t.Errorf("revision %d of a swap whose reply was lost, which nobody can know", n.Block().Revision)
		}
		x.revision.Store(1 << 50)
		if n := r.take(); n.Block().Revision != 0 {
			t.Errorf("revision %d, want 0: it is more than is kept", n.Block().Revision)
		}
		r.stop()
	})
}

func TestAStoreThatTellsNoRevisionLeavesItUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, counter.Config{Store: &countertest.Mem{}})
		if n := r.take(); n.Block().Revision != 0 {
			t.Errorf("revision %d, which nobody told", n.Block().Revision)
		}
		r.stop()
	})
}
