package counter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// reserveAs reserves n numbers of s for a holder that no allocator of this test is.
func reserveAs(t *testing.T, m *countertest.Mem, holder string, s counter.Series, n int64) {
	t.Helper()
	l, v, err := m.Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := l.Reserve(counter.Want{Holder: holder, Era: "0.1.1", Count: n, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Swap(t.Context(), holder, s, v, next); err != nil {
		t.Fatal(err)
	}
}

func TestAnOrdinaryDayHasItsFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countertest.Mem{}
		r := run(t, counter.Config{Store: m})
		for range 50 {
			r.issue()
		}
		got := figuresOf(t, r)
		l := ledgerOf(t, m)
		want := counter.SeriesStats{Series: invoices, Mark: l.Mark, Left: l.Mark - 50, PerSecond: 50, Waits: got.Waits}
		for _, b := range l.Held {
			want.Held += b.Len()
		}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if s := r.Stats(); s.Spent != 50 || s.Left != got.Left || s.Waits != got.Waits || s.Waits == 0 {
			t.Errorf("the sums do not agree: %+v", s)
		}
		r.stop()
	})
}

func figuresOf(t *testing.T, r *replica) (figures counter.SeriesStats) {
	t.Helper()
	series := 0
	r.EachSeries(func(s counter.SeriesStats) bool { series++; figures = s; return true })
	if series != 1 {
		t.Fatalf("%d series, want 1", series)
	}
	return figures
}

func TestABadDayHasItsFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, plant := plantable()
		r := run(t, counter.Config{Store: m})
		dead, err := m.Register(t.Context(), counter.Holder{Name: "dead.1"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // registered
		slow := func(string) countertest.Fault { return countertest.Fault{Delay: 50 * time.Millisecond} }
		plant(slow)
		taken := make(chan counter.Number)
		go func() { taken <- r.take() }()
		time.Sleep(75 * time.Millisecond) // its ledger is loaded, its swap on the way
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		reserveAs(t, m, "dead.1", invoices, 7)
		if got := <-taken; got.Value() != 8 {
			t.Fatalf("got %d, want 8: it did not come second", got.Value())
		} else {
			got.Spend()
		}

		muted := false
		plant(func(op string) countertest.Fault {
			first := op == "Swap" && !muted
			muted = muted || first
			return countertest.Fault{Mute: first}
		})
		r.issue()
		plant(slow)
		r.issue()
		plant(func(string) countertest.Fault { return countertest.Fault{} })
		if err := dead.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute / 2)

		got, l := figuresOf(t, r), ledgerOf(t, m)
		want := counter.SeriesStats{
			Series: invoices, Mark: 10, Held: l.Held[0].Len(), Waits: 3, LastRefill: 100 * time.Millisecond,
			Conflicts: 1, Unknown: 1, Settled: 1, Forfeited: 7,
		}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if s := r.Stats(); s.Conflicts != 1 || s.Unknown != 1 || s.Settled != 1 || s.Forfeited != 7 || s.Reserved != 3 || s.Spent != 3 {
			t.Errorf("the sums do not agree: %+v", s)
		}
		r.stop()
	})
}
