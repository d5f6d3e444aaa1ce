package counter_test

import (
	"context"
	"strings"
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
	err := l.Store.Swap(ctx, h, s, v, next)
	l.w.history.noteLedger(s, l.w.mem.Text(s), "after a swap by %s: %v", l.pod, err)
	return err
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
	if !o.last && o.link.w.intn(o.link.w.pace.halfway) == 0 {
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
