package counter_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// simReplica is a replica in a world.
type simReplica struct {
	*replica
	w     *world
	link  *link
	phase time.Duration // of its rests

	unfinished map[counter.Series]int64 // how far a seek went that failed
}

// rest lets all clients of a replica pause together from time to time, so that its
// series are idle.
func (r *simReplica) rest() {
	into := time.Duration(time.Now().UnixNano()+int64(r.phase)) % r.w.pace.every
	if into < r.w.pace.rest {
		time.Sleep(r.w.pace.rest - into)
	}
}

func (w *world) start(pod string, last bool) *simReplica {
	l := &link{Store: w.mem, w: w, pod: pod}
	c := counter.Config{Store: l, Pod: pod, HandBack: time.Minute, Idle: w.pace.idle, SweepEvery: w.pace.sweep, Log: w.history.logger(pod),
		Rules: func(context.Context, counter.Series) (counter.Rules, error) { return w.rules, nil }}
	if w.ownerly {
		c.Owner = &owner{Rows: w.rows, link: l, last: last}
	}
	return &simReplica{replica: run(w.t, c), w: w, link: l, phase: w.upTo(w.pace.every), unfinished: map[counter.Series]int64{}}
}

// replica lives for a while under load and then crashes, or, if it is the last
// of its slot, waits until all is settled and stops in good order.
func (w *world) replica(pod string, last bool) {
	r := w.start(pod, last)
	var clients sync.WaitGroup
	quit := make(chan struct{})
	for i := range w.intn(w.pace.clients) + 1 {
		clients.Go(func() { r.client(fmt.Sprintf("%s/%d", pod, i), quit) })
	}
	if w.intn(2) == 0 {
		clients.Go(func() { r.seeker(quit) })
	}
	for range w.pace.blows {
		time.Sleep(w.upTo(w.pace.life))
		r.misfortune()
	}
	if last {
		<-w.over // what befalls the store later, nobody would cure
		time.Sleep(30 * time.Second)
		w.calm.Store(true)
		time.Sleep(30 * time.Second)
	} else {
		r.link.crash("killed")
		defer w.mem.Expire(r.Holder())
	}
	close(quit)
	clients.Wait()
	if last {
		r.useAll()
		time.Sleep(40 * time.Second) // the sweepers of all settle who crashed
		r.finishSeeks()
	}
	r.countUp()
	r.stop()
}

// misfortune ends the registration of a replica that lives, or pauses it.
func (r *simReplica) misfortune() {
	switch r.w.intn(3) {
	case 0:
		r.w.history.note("the registration of %s ends", r.Holder())
		r.w.mem.Expire(r.Holder())
	case 1:
		r.link.pause(r.w.upTo(20 * time.Second))
		time.Sleep(r.w.upTo(5 * time.Second))
		r.w.history.note("the registration of %s ends", r.Holder())
		r.w.mem.Expire(r.Holder())
	default:
		return
	}
	time.Sleep(r.w.upTo(10 * time.Second))
}

// useAll takes one number of each series: after a restore, a ledger is raised when
// its series is used.
func (r *simReplica) useAll() {
	for _, s := range simSeries {
		r.issueOne("the last of "+r.link.pod, s)
	}
}

func (r *simReplica) countUp() {
	s := r.Stats()
	r.w.total.unknown.Add(s.Unknown)
	r.w.total.settled.Add(s.Settled)
	r.w.total.lives.Add(s.Lives)
	r.w.total.raised.Add(s.Raised)
	r.w.total.forfeited.Add(s.Forfeited)
}

// client issues one invoice after the other, slowly enough that faults fall in
// between.
func (r *simReplica) client(name string, quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		r.rest()
		s := simSeries[r.w.intn(len(simSeries))]
		if r.w.intn(10) == 0 {
			r.issueBatch(name, s)
		} else {
			r.issueOne(name, s)
		}
		time.Sleep(r.w.upTo(r.w.pace.between))
	}
}

func (r *simReplica) issueOne(name string, s counter.Series) {
	ctx, cancel := context.WithTimeout(context.Background(), r.patience())
	defer cancel()
	sought := r.w.soughtSoFar(s)
	n, err := r.Take(ctx, s)
	r.took(name, s, sought, []counter.Number{n}, err)
}

func (r *simReplica) patience() time.Duration {
	return r.w.pace.patience/2 + r.w.upTo(r.w.pace.patience/2)
}

func (r *simReplica) issueBatch(name string, s counter.Series) {
	ctx, cancel := context.WithTimeout(context.Background(), r.patience())
	defer cancel()
	sought := r.w.soughtSoFar(s)
	numbers, err := r.TakeN(ctx, s, r.w.intn(12)+1)
	r.w.total.batches.Add(1)
	r.took(name, s, sought, numbers, err)
}

func (r *simReplica) took(name string, s counter.Series, sought int64, numbers []counter.Number, err error) {
	if err != nil {
		if errors.Is(err, counter.ErrExhausted) {
			r.w.total.exhausted.Add(1)
			time.Sleep(time.Second)
		}
		return
	}
	for _, n := range numbers {
		r.w.history.noteOf(s, n.Value(), "taken by %s of %s", name, n.Block().Holder)
		if n.Value() <= sought && !r.w.restores {
			r.w.breach(s, []int64{n.Value()}, "%d was given although the series had been sought to %d", n.Value(), sought)
		}
		r.write(name, s, n)
	}
}

func (r *simReplica) write(name string, s counter.Series, n counter.Number) {
	w := r.w
	defer r.repeat(n)
	if w.intn(w.pace.returned) == 0 {
		w.history.noteOf(s, n.Value(), "returned")
		n.Return() // the client went away before anything was sent
		return
	}
	n.Offer()
	if w.intn(20) == 0 {
		time.Sleep(w.upTo(20 * time.Second)) // a slow statement
	}
	_ = r.link.gate() // a paused process sends nothing; a crashed one may have sent it before
	err := w.store(s, n, name)
	w.history.noteOf(s, n.Value(), "written by %s under %s: %v", name, n.Block().Holder, err)
	switch {
	case errors.Is(err, countertest.ErrFenced):
		w.total.fenced.Add(1)
		r.Abandon(n.Block().Holder)
	case err != nil:
		n.Spend()
	case w.intn(20) == 0:
		n.Doubt()
	default:
		n.Spend()
	}
}

// repeat says something of a number of which all is said: it is ignored, even if
// somebody else has the number now.
func (r *simReplica) repeat(n counter.Number) {
	if r.w.intn(10) != 0 {
		return
	}
	time.Sleep(r.w.upTo(100 * time.Millisecond))
	n.Return()
	n.Spend()
	n.Doubt()
}

// store writes the row, if there is an owner who may refuse it.
func (w *world) store(s counter.Series, n counter.Number, who string) error {
	if w.ownerly {
		if err := w.rows.Write(n.Block(), s, n.Value(), "invoice"); err != nil {
			return err
		}
	}
	w.spend(s, n.Value(), who)
	return nil
}

// seeker moves a series forward, now and then.
func (r *simReplica) seeker(quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case <-time.After(r.w.upTo(r.w.pace.seeks)):
		}
		s := simSeries[r.w.intn(len(simSeries))]
		if l, _, err := r.link.Load(context.Background(), s); err == nil {
			mark := l.Mark + int64(r.w.intn(r.w.pace.behind+r.w.pace.ahead)-r.w.pace.behind)
			if r.seek(s, mark, 15*time.Second) != nil { // as it may, while faults go on
				r.unfinished[s] = mark
			}
		}
	}
}

func (r *simReplica) seek(s counter.Series, mark int64, patience time.Duration) error {
	r.w.noteTried(s, mark)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := r.Seek(ctx, s, mark, "")
	r.w.history.note("%s seeks %s to %d: %v", r.link.pod, s, mark, err)
	if err == nil {
		r.w.noteSought(s, mark)
	}
	return err
}
