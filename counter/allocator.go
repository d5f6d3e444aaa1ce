package counter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how an [Allocator] works. Store is required; zero fields have
// defaults.
type Config struct {
	Store Store
	Owner Owner // nil: what a dead holder had left is forfeited

	// Rules says what a series lets the counter do; nil: the zero Rules for all.
	// It is asked before each reservation, so it should answer from memory.
	Rules func(ctx context.Context, s Series) (Rules, error)

	Pod   string // the replica's name; holders are named after it
	Node  string // the machine, for people
	Build string // the program's version, for people

	Idle       time.Duration // after this long without a take a series is handed back; 0: one minute
	SweepEvery time.Duration // how often is looked for dead holders of which the watch did not tell; 0: ten seconds
	HandBack   time.Duration // bounds the hand-back at the end; 0: ten seconds

	// Refilled is told how long each refill took that reserved a block; it must not
	// wait. nil: nobody is.
	Refilled func(took time.Duration)

	// Registered is told of each holder that begins, before it gives a number; it must not
	// wait. nil: nobody is.
	Registered func(holder string)

	Log *slog.Logger // nil: none
}

// Allocator hands out numbers from blocks in memory. It must be run: see Run.
type Allocator struct {
	Config Config

	counts  counts
	current atomic.Pointer[life] // nil between two lives; changed under mu

	mu      sync.Mutex    // guards what follows; never held across I/O
	changed chan struct{} // closed when current or stopped changes; nil until asked for
	stopped bool
	latest  string // the holder that began last
	tallies map[Series]tally
}

// Run registers a holder and keeps the allocator going until ctx ends: refills,
// hand-back of idle series, settling of dead holders, a new life when this
// holder is lost. Then it hands back what is left, within Config.HandBack, and
// returns nil. Before ctx ends the caller has seen to it that every Number taken
// has been spent, returned or doubted, and that no write is on its way. Run is
// called once.
func (a *Allocator) Run(ctx context.Context) error {
	if a.Config.Store == nil {
		return errors.New("counter: Config.Store is missing")
	}
	defer a.stop()
	besides, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	gone := make(chan string, 64)
	work.Go(func() { a.sweep(besides, gone) })
	work.Go(func() { a.attend(besides, gone) })
	defer work.Wait()
	defer cancel()
	for ctx.Err() == nil {
		l := a.begin(ctx)
		if l == nil {
			return nil
		}
		a.publish(l)
		l.live(ctx)
		a.publish(nil)
		if ctx.Err() == nil {
			a.log().Warn("holder lost, beginning anew", "holder", l.holder.Name)
			l.drop()
			continue
		}
		a.handBack(l)
	}
	return nil
}

func (a *Allocator) handBack(l *life) {
	ctx, cancel := context.WithTimeout(context.Background(), orDefault(a.Config.HandBack, 10*time.Second))
	defer cancel()
	l.handBack(ctx)
}

// Abandon gives up a holder that its owner has fenced: nothing it has can be
// written any more. Its shelves are dropped and a new life begins; Take waits
// for that. It is harmless for a holder that is not the present one.
func (a *Allocator) Abandon(holder string) {
	if l := a.current.Load(); l != nil && l.holder.Name == holder {
		l.lose()
	}
}

// Holder returns the name of the present holder; "" between two lives.
func (a *Allocator) Holder() string {
	if l := a.current.Load(); l != nil {
		return l.holder.Name
	}
	return ""
}

// Latest returns the name of the holder that began last, whether it goes on or not; ""
// before the first.
func (a *Allocator) Latest() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.latest
}

// begin starts a life: enrol with the owner, then register, so that a holder
// which can reserve is always known to the owner. It tries until ctx ends.
func (a *Allocator) begin(ctx context.Context) *life {
	for try := 0; ; try++ {
		if pause(ctx, try) != nil {
			return nil
		}
		l, err := a.beginOnce(ctx)
		if err == nil {
			a.counts.lives.Add(1)
			a.log().Info("holder registered", "holder", l.holder.Name, "era", l.era)
			if a.Config.Registered != nil {
				a.Config.Registered(l.holder.Name)
			}
			return l
		}
		if failed := try + 1; ctx.Err() == nil && failed&try == 0 { // ever more rarely: it may take an operator
			a.log().Warn("holder not registered yet, tried again", "failed", failed, "error", err)
		}
	}
}

func (a *Allocator) beginOnce(ctx context.Context) (*life, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeoutMax)
	defer cancel()
	h := Holder{Name: holderName(a.Config.Pod), Pod: a.Config.Pod, Node: a.Config.Node, Build: a.Config.Build, Started: time.Now().UTC()}
	restored := a.Config.Store.Restored()
	var era string
	if a.Config.Owner != nil {
		var err error
		if era, err = a.Config.Owner.Enroll(ctx, h.Name); err != nil {
			return nil, fmt.Errorf("enrol holder %s: %w", h.Name, err)
		}
	}
	reg, err := a.Config.Store.Register(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("register holder %s: %w", h.Name, err)
	}
	return newLife(a, h, era, reg, restored), nil
}

// holderName is the pod's name, made fit for a key, and 40 random bits: no two
// lives ever share one.
func holderName(pod string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(pod))
	if clean == "" {
		clean = "holder"
	}
	var random [5]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	return clean + "." + hex.EncodeToString(random[:])
}

func (a *Allocator) log() *slog.Logger {
	if a.Config.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Config.Log
}

func (a *Allocator) idle() time.Duration       { return orDefault(a.Config.Idle, time.Minute) }
func (a *Allocator) sweepEvery() time.Duration { return orDefault(a.Config.SweepEvery, 10*time.Second) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
