package etcdstore_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Of many who replace the same text one does, each time, and nobody's is overwritten
// unread.
func TestANoteIsReplacedOnlyIfItIsStillWhatWasRead(t *testing.T) {
	store := open(t, startEtcd(t, 1), 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var won atomic.Int64
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 25 {
				was, err := store.LoadNote(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				swapped, err := store.SwapNote(ctx, was, was+"x")
				if err != nil {
					t.Error(err)
					return
				}
				if swapped {
					won.Add(1)
				}
			}
		})
	}
	writers.Wait()
	got, err := store.LoadNote(ctx)
	if err != nil || int64(len(got)) != won.Load() || len(got) < 25 {
		t.Errorf("%d letters after %d swaps, %v", len(got), won.Load(), err)
	}
	if swapped, err := store.SwapNote(ctx, "", "y"); swapped || err != nil {
		t.Errorf("a text that is there was taken for none: %v, %v", swapped, err)
	}
	if all, err := store.List(ctx, "", ""); len(all) != 0 || err != nil {
		t.Errorf("the note is taken for a ledger: %v, %v", all, err)
	}
}
