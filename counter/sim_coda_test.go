package counter_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// coda shows that what faults have left behind is cured. Two replicas work among
// faults; when these are over, each knows all that it holds within a minute, and a
// seek succeeds, which reaches what the other has in memory.
func (w *world) coda() {
	w.calm.Store(false)
	a, b := w.start("coda-a", true), w.start("coda-b", true)
	for _, s := range simSeries {
		for range 20 {
			a.issueOne("coda", s)
		}
	}
	w.calm.Store(true)
	for _, s := range simSeries {
		a.issueOne("coda", s)
		if n, err := a.Take(w.t.Context(), s); err == nil {
			n.Offer()
			n.Doubt() // its row was never sent
		}
		a.knowsAll(s)
		l, _, err := w.mem.Load(w.t.Context(), s)
		if err != nil {
			w.breach(s, nil, "the ledger cannot be read: %v", err)
			continue
		}
		if err := b.seek(s, l.Mark+10, time.Minute); err != nil {
			w.breach(s, nil, "a seek without faults failed: %v", err)
		}
		a.issueOne("coda", s)
	}
	a.stop()
	b.stop()
}

// knowsAll reports a breach unless the replica comes to know, within a minute, of
// every number that it holds by the ledger: be it that the reply to a reservation
// was lost, or that the shelf was put away meanwhile.
func (r *simReplica) knowsAll(s counter.Series) {
	var known, held int64
	for range 60 {
		known, held = r.known(s), r.heldOf(s)
		if known == held {
			return
		}
		time.Sleep(time.Second)
	}
	r.w.breach(s, nil, "%s holds %d numbers by the ledger, and knows of %d", r.link.pod, held, known)
}

func (r *simReplica) known(s counter.Series) (n int64) {
	r.EachSeries(func(one counter.SeriesStats) bool {
		if one.Series == s {
			n += one.Held
		}
		return true
	})
	return n
}

func (r *simReplica) heldOf(s counter.Series) (n int64) {
	l, _, err := r.w.mem.Load(context.Background(), s)
	if err != nil {
		r.w.breach(s, nil, "the ledger cannot be read: %v", err)
	}
	for _, b := range l.HeldBy(r.Holder()) {
		n += b.Len()
	}
	return n
}

// finishSeeks repeats the last seek of each series: what one that failed has set
// aside is in the ledger, and on no shelf. Without faults it succeeds.
func (r *simReplica) finishSeeks() {
	for _, s := range simSeries {
		if mark := r.unfinished[s]; mark > 0 {
			if err := r.seek(s, mark, 3*time.Minute); err != nil {
				r.w.breach(s, nil, "a seek to %d that was repeated without faults failed: %v", mark, err)
			}
		}
		r.knowsAll(s)
	}
}

func TestTheSimulationObjectsToABlockThatItsHolderDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &testing.T{}
		w := &world{t: inner, mem: &countertest.Mem{}, rand: rand.New(rand.NewPCG(1, 1))}
		w.pace = w.small()
		r := w.start("pod", true)
		r.take()
		r.knowsAll(invoices)
		if inner.Failed() {
			t.Error("it objects to a block that the holder knows")
		}
		l, v, err := w.mem.Load(t.Context(), invoices)
		if err != nil {
			t.Fatal(err)
		}
		if l, _, err = l.Reserve(counter.Want{Holder: r.Holder(), Count: 5}); err != nil {
			t.Fatal(err)
		}
		if err := w.mem.Swap(t.Context(), r.Holder(), invoices, v, l); err != nil {
			t.Fatal(err)
		}
		r.knowsAll(invoices)
		if !inner.Failed() {
			t.Error("a block that no shelf has went through")
		}
		r.stop()
	})
}
