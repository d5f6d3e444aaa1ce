package countertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"folio/counter"
)

// watching runs a watch until the test ends and returns what it tells.
func watching(t *testing.T, s counter.Store) <-chan counter.Notice {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	notices := make(chan counter.Notice, 16)
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Watch(ctx, func(n counter.Notice) { notices <- n }); !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return notices
}

func watchGone(t *testing.T, s counter.Store) {
	notices := watching(t, s)
	// A watch tells nothing of what was before it: so register until it tells.
	for i := 0; ; i++ {
		name := "pod." + string(rune('a'+i))
		if err := register(t, s, name).Close(ctxOf(t)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-notices:
			if got.Gone == "" || got.Last != 0 {
				t.Fatalf("got %+v, want a holder that is gone", got)
			}
			return
		case <-time.After(time.Second):
		case <-ctxOf(t).Done():
			t.Fatal("no holder was ever told to be gone")
		}
	}
}

func watchCalled(t *testing.T, s counter.Store) {
	for _, last := range []int64{7, 9} {
		if err := s.CallIn(ctxOf(t), invoices, last); err != nil {
			t.Fatal(err)
		}
	}
	notices := watching(t, s) // it begins after the calls, and tells of the latest
	want := counter.Notice{Series: invoices, Last: 9}
	if got := next(t, notices); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	want = counter.Notice{Series: counter.Series{Tenant: "bolt", Name: "x"}, Last: 12}
	if err := s.CallIn(ctxOf(t), want.Series, want.Last); err != nil {
		t.Fatal(err)
	}
	if got := next(t, notices); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func next(t *testing.T, notices <-chan counter.Notice) counter.Notice {
	t.Helper()
	select {
	case n := <-notices:
		return n
	case <-ctxOf(t).Done():
		t.Fatal("nothing was told")
		return counter.Notice{}
	}
}
