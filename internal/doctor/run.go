package doctor

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// check is one question. What it returns lacks part and name.
type check struct {
	part, name string
	ask        func(context.Context) []Finding
}

// one makes a check of a question with one answer.
func one(part, name string, ask func(context.Context) Finding) check {
	return check{part, name, func(ctx context.Context) []Finding { return []Finding{ask(ctx)} }}
}

// Examine makes every check, all at the same time, each within its bound: so it ends
// shortly after Patient.Within even if nothing answers.
func Examine(ctx context.Context, p Patient) Report {
	if p.Within <= 0 {
		p.Within = 5 * time.Second
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Resolve == nil {
		p.Resolve = net.DefaultResolver.LookupHost
	}
	e := newEtcd(&p)
	defer e.close()
	db := newPostgres(&p, e)
	defer db.close()
	checks := append(e.checks(), db.checks()...)
	checks = append(checks, p.dns(), one("settings", "pod-name", p.podName), one("settings", "lease-ttl", e.leaseTTL))
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { found[i] = c.within(ctx, p.Within) })
	}
	all.Wait()
	var r Report
	for i, c := range checks {
		for _, f := range found[i] {
			f.Part, f.Check = c.part, c.name
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}

// slack is how long a check may take to notice that its time is over, until it is left
// behind.
const slack = 500 * time.Millisecond

func (c check) within(ctx context.Context, bound time.Duration) []Finding {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() { done <- c.ask(ctx) }()
	late := time.NewTimer(bound + slack)
	defer late.Stop()
	select {
	case found := <-done:
		return found
	case <-late.C:
		return []Finding{unknown(fmt.Sprintf("no answer within %s", bound))}
	}
}

// later is a value that several checks wait for, and one of them finds.
type later[T any] struct {
	once  sync.Once
	done  chan struct{}
	value T
	err   error
}

func newLater[T any]() *later[T] { return &later[T]{done: make(chan struct{})} }

// get finds the value, or waits for it.
func (l *later[T]) get(ctx context.Context, find func(context.Context) (T, error)) (T, error) {
	l.once.Do(func() {
		go func() {
			l.value, l.err = find(ctx)
			close(l.done)
		}()
	})
	select {
	case <-l.done:
		return l.value, l.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("no answer in time: %w", ctx.Err())
	}
}
