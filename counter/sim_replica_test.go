package counter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// link is a replica's way to the store and to the owner of the rows. A crash cuts
// it for good; a pause of the process holds up whatever comes by.
type link struct {
	counter.Store
	w    *world
	pod  string
	cut  atomic.Bool
	till atomic.Int64 // paused until then, in Unix nanoseconds
}

func (l *link) crash(why string) {
	if !l.cut.Swap(true) {
		l.w.history.note("%s crashes: %s", l.pod, why)
	}
}

func (l *link) pause(d time.Duration) {
	l.w.history.note("%s is paused for %s", l.pod, d)
	l.till.Store(time.Now().Add(d).UnixNano())
}

// gate waits for the end of a pause and fails after a crash.
func (l *link) gate() error {
	for wait := time.Until(time.Unix(0, l.till.Load())); wait > 0; wait = time.Until(time.Unix(0, l.till.Load())) {
		time.Sleep(wait)
	}
	if l.cut.Load() {
		return countertest.ErrFault
	}
	return nil
}

func (l *link) Load(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, error) {
	if err := l.gate(); err != nil {
		return counter.Ledger{}, "", err
	}
	return l.Store.Load(ctx, s)
}

func (l *link) Swap(ctx context.Context, h string, s counter.Series, v counter.Version, next counter.Ledger) error {
	if err := l.gate(); err != nil {
		return err
	}
	return l.Store.Swap(ctx, h, s, v, next)
}

func (l *link) CallIn(ctx context.Context, s counter.Series, last int64) error {
	if err := l.gate(); err != nil {
		return err
	}
	return l.Store.CallIn(ctx, s, last)
}

func (l *link) Holding(ctx context.Context) ([]string, error) {
	if err := l.gate(); err != nil {
		return nil, err
	}
	return l.Store.Holding(ctx)
}

// owner is the rows by way of a link. Some settlers crash when they have asked
// what is free and before they have said so in the ledger.
type owner struct {
	*countertest.Rows
	link *link
	last bool
}

func (o *owner) Settle(ctx context.Context, s counter.Series, b counter.Block) ([]counter.Range, error) {
	if err := o.link.gate(); err != nil {
		return nil, err
	}
	if o.link.w.alive(b.Holder) && !strings.HasPrefix(b.Holder, o.link.pod+".") {
		o.link.w.breach(s, nil, "%s settles %s, who is registered", o.link.pod, b.Holder)
	}
	if err := o.link.w.stumble(); err != nil {
		return nil, err
	}
	free, err := o.Rows.Settle(ctx, s, b)
	if err == nil {
		err = o.link.w.stumble()
	}
	if !o.last && o.link.w.intn(10) == 0 {
		o.link.w.total.halfway.Add(1)
		o.link.crash("half-way through settling")
	}
	return free, err
}

func (o *owner) Void(ctx context.Context, holder string, s counter.Series, ranges []counter.Range, reason string) error {
	if err := o.link.gate(); err != nil {
		return err
	}
	if err := o.link.w.stumble(); err != nil {
		return err
	}
	if err := o.Rows.Void(ctx, holder, s, ranges, reason); err != nil {
		return err
	}
	return o.link.w.stumble()
}

// simReplica is a replica in a world.
type simReplica struct {
	*replica
	w     *world
	link  *link
	phase time.Duration // of its rests
}

// rest lets all clients of a replica pause together from time to time, so that its
// series are idle.
func (r *simReplica) rest() {
	const every, long = 25 * time.Second, 10 * time.Second
	if into := time.Duration(time.Now().UnixNano()+int64(r.phase)) % every; into < long {
		time.Sleep(long - into)
	}
}

func (w *world) start(pod string, last bool) *simReplica {
	l := &link{Store: w.mem, w: w, pod: pod}
	c := counter.Config{Store: l, Pod: pod, HandBack: time.Minute, Idle: time.Duration(w.intn(2)) * 2 * time.Second, Log: w.history.logger(pod),
		Rules: func(context.Context, counter.Series) (counter.Rules, error) { return w.rules, nil }}
	if w.ownerly {
		c.Owner = &owner{Rows: w.rows, link: l, last: last}
	}
	return &simReplica{replica: run(w.t, c), w: w, link: l, phase: w.upTo(25 * time.Second)}
}

// replica lives for a while under load and then crashes, or, if it is the last
// of its slot, waits until all is settled and stops in good order.
func (w *world) replica(pod string, last bool) {
	r := w.start(pod, last)
	var clients sync.WaitGroup
	quit := make(chan struct{})
	for i := range w.intn(6) + 1 {
		clients.Go(func() { r.client(fmt.Sprintf("%s/%d", pod, i), quit) })
	}
	if w.intn(2) == 0 {
		clients.Go(func() { r.seeker(quit) })
	}
	time.Sleep(w.upTo(20 * time.Second))
	r.misfortune()
	if last {
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
		time.Sleep(r.w.upTo(200 * time.Millisecond))
	}
}

func (r *simReplica) issueOne(name string, s counter.Series) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	sought := r.w.soughtSoFar(s)
	n, err := r.Take(ctx, s)
	r.took(name, s, sought, []counter.Number{n}, err)
}

func (r *simReplica) issueBatch(name string, s counter.Series) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
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
	if w.intn(20) == 0 {
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
		case <-time.After(r.w.upTo(20 * time.Second)):
		}
		s := simSeries[r.w.intn(len(simSeries))]
		if l, _, err := r.link.Load(context.Background(), s); err == nil {
			_ = r.seek(s, l.Mark+int64(r.w.intn(40))-10, 15*time.Second) // a seek may fail while faults go on
		}
	}
}

func (r *simReplica) seek(s counter.Series, mark int64, patience time.Duration) error {
	r.w.noteTried(s, mark)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := r.Seek(ctx, s, mark)
	r.w.history.note("%s seeks %s to %d: %v", r.link.pod, s, mark, err)
	if err == nil {
		r.w.noteSought(s, mark)
	}
	return err
}
