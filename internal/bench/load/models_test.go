package load

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// served answers after a time that at says for the moment when it was asked.
type served struct {
	began time.Time
	one   *sync.Mutex // one request at a time, in all connections
	at    func(since time.Duration) (time.Duration, error)
}

func (s *served) Send(context.Context) error {
	if s.one != nil {
		s.one.Lock()
		defer s.one.Unlock()
	}
	took, err := s.at(time.Since(s.began))
	time.Sleep(took)
	return err
}

func senders(n int, s *served) []Sender {
	all := make([]Sender, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func TestTheClosedModelCountsWhatIsAnsweredWithinTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &served{began: time.Now(), at: func(time.Duration) (time.Duration, error) { return 100 * time.Millisecond, nil }}
		r := Closed(t.Context(), senders(4, s), time.Second, 2*time.Second)
		// Each connection has an answer at 0.1, 0.2, … 3.0 s; the window is from 1.0 up to
		// 3.0, which is not in it.
		if r.Done != 4*20 || r.All != 4*30 || r.Failed != 0 || r.Rate() != 40 {
			t.Errorf("%+v, %v a second", r, r.Rate())
		}
		if r.Latency.P50 != 0.1 || r.Latency.Most != 0.1 {
			t.Errorf("latency %+v", r.Latency)
		}
	})
}

func TestTheClosedModelKeepsWhatWentWrongFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		s := &served{began: time.Now(), at: func(since time.Duration) (time.Duration, error) {
			if since >= 500*time.Millisecond {
				return 100 * time.Millisecond, broken
			}
			return 100 * time.Millisecond, nil
		}}
		r := Closed(t.Context(), senders(1, s), 0, time.Second)
		if r.Done != 5 || r.Failed != 5 || !errors.Is(r.FirstFail, broken) {
			t.Errorf("%+v", r)
		}
	})
}

// A server that takes a millisecond stops once, for a second. What a client would see
// that waits for each answer before it sends the next is one slow request in thousands;
// what callers would see who come when they come is a second's worth of them.
func TestTheOpenModelChargesAStallForEveryRequestThatWasDueMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalled := false
		s := &served{began: time.Now(), one: new(sync.Mutex)}
		s.at = func(since time.Duration) (time.Duration, error) {
			if !stalled && since >= 4*time.Second {
				stalled = true
				return time.Second, nil
			}
			return time.Millisecond, nil
		}
		r := Open(t.Context(), senders(1, s), 100, 0, 10*time.Second)
		if r.Done != 1000 || r.Unsent != 0 {
			t.Fatalf("%+v", r)
		}
		// Due at 4.00 s: 1 s. Due 10 ms later: 0.991 s, and so on down: 110 requests took
		// longer than a millisecond, 11 % of all.
		if r.Latency.P50 != 0.001 || r.Latency.Most != 1 {
			t.Errorf("%+v", r.Latency)
		}
		if p := r.Latency.P90; p < 0.08 || p > 0.11 {
			t.Errorf("the 90th percentile is %v s: the requests that were due in the stall are missing", p)
		}
		if p := r.Latency.P99; p < 0.88 || p > 0.92 {
			t.Errorf("the 99th percentile is %v s", p)
		}
		// The last answer before the stall came at 3.991 s.
		if len(r.Gaps) != gapsKept || r.Gaps[0] != (Gap{At: 3.991, Length: 1.009}) || r.Gaps[1].Length > 0.02 {
			t.Errorf("the gaps between answers: %+v", r.Gaps)
		}
	})
}

func TestTheOpenModelKeepsItsRateAndItsWarmUpApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &served{began: time.Now(), at: func(since time.Duration) (time.Duration, error) {
			if since < time.Second {
				return 50 * time.Millisecond, nil // in the warm-up
			}
			return 2 * time.Millisecond, nil
		}}
		r := Open(t.Context(), senders(10, s), 50, time.Second, 2*time.Second)
		if r.Done != 100 || r.All != 150 || r.Behind != 0 || r.Rate() != 50 || r.Latency.Most != 0.002 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheOpenModelSaysWhatItNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &served{began: time.Now(), at: func(time.Duration) (time.Duration, error) { return time.Second, nil }}
		r := Open(t.Context(), senders(1, s), 10, 0, 2*time.Second)
		// Twenty are due; one at a time, five begin before four seconds are over.
		if r.All != 5 || r.Unsent != 15 {
			t.Errorf("%d answered, %d unsent", r.All, r.Unsent)
		}
		// Of the five, those answered at 3 s, 4 s and 5 s come after the window.
		if r.Behind != 3 {
			t.Errorf("%d behind", r.Behind)
		}
	})
}
