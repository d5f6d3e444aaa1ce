package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// hunt tries mutants and tells of each.
type hunt struct {
	source  string // the module's root
	seeds   int
	atOnce  int
	timeout time.Duration
	out     io.Writer

	mu       sync.Mutex // guards what follows, and out
	killed   int
	survived int
	failed   int // were not planted, or not tried to the end
}

// errNotAllKilled is what a hunt ends with that shows a hole in the proofs.
var errNotAllKilled = errors.New("not every mutant was killed")

// run tries all and returns nil only if each was killed.
func (h *hunt) run(ctx context.Context, all []mutant) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &site{dir: dir, seeds: h.seeds, timeout: h.timeout}
	if err := s.prepare(h.source); err != nil {
		return err
	}
	begun := time.Now()
	if err := s.sound(ctx, all); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "the sound code passes, %.1f s\n", time.Since(begun).Seconds())
	h.tryAll(ctx, s, all)
	h.figures(len(all), time.Since(begun))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if h.killed < len(all) {
		return errNotAllKilled
	}
	return nil
}

// sound returns an error unless the tests pass as long as nothing is planted: else
// their failing would show nothing.
func (s *site) sound(ctx context.Context, all []mutant) error {
	var runs []string
	for _, m := range all {
		runs = append(runs, m.run())
	}
	v, err := s.test(ctx, filepath.Join(s.dir, "sound.test"), strings.Join(runs, "|"))
	if err == nil && v.outcome != passed {
		err = fmt.Errorf("the sound code does not pass: %s: %s: %s", v.outcome, v.test, v.why)
	}
	return err
}

func (h *hunt) tryAll(ctx context.Context, s *site, all []mutant) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, h.atOnce)
	for _, m := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			begun := time.Now()
			v, err := s.try(ctx, m)
			h.tell(m, v, err, time.Since(begun))
		})
	}
	wg.Wait()
}

// tell counts and prints what became of m.
func (h *hunt) tell(m mutant, v verdict, err error, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v.why = short(v.why)
	what, why := "killed", fmt.Sprintf("%s: %s", v.test, v.why)
	switch {
	case err != nil:
		h.failed++
		what, why = "ERROR", err.Error()
	case v.outcome == unbuilt:
		h.failed++
		what, why = "ERROR", "it does not compile: "+v.why
	case m.killedBy(v):
		h.killed++
	default:
		h.survived++
		what = "SURVIVED"
		if why = m.run() + " passed"; v.outcome != passed {
			why = fmt.Sprintf("%s, which the list does not count: %s", v.outcome, v.why)
		}
		why += "\n         the rule: " + m.rule
	}
	fmt.Fprintf(h.out, "%-8s %s, %.1f s\n         %s\n", what, m.name, took.Seconds(), why)
}

// short keeps a line readable: a report may quote a whole ledger.
func short(text string) string {
	const most = 300
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " …"
	}
	return text
}

func (h *hunt) figures(all int, took time.Duration) {
	fmt.Fprintf(h.out, "%d mutants, %d killed, %d survived", all, h.killed, h.survived)
	if h.failed > 0 {
		fmt.Fprintf(h.out, ", %d could not be tried", h.failed)
	}
	fmt.Fprintf(h.out, ", %.0f s\n", took.Seconds())
}
