package countertest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder is a testing.TB that notes failures instead of failing the test that it
// stands for: the suite is itself tested with stores that it must refuse.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	said   []string
	failed bool
	undo   []func()
}

// run lets f use the recorder as a test does, and cleans up after it.
func (r *recorder) run(f func()) {
	var running sync.WaitGroup
	running.Go(f) // of its own: FailNow ends the goroutine
	running.Wait()
	for _, undo := range slices.Backward(r.undo) {
		undo()
	}
}

// objection returns what was noted; nil if nothing failed.
func (r *recorder) objection() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.failed {
		return nil
	}
	return errors.New(strings.Join(r.said, "; "))
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.undo = append(r.undo, f)
}

func (r *recorder) note(said string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.said = append(r.said, strings.TrimSpace(said))
}

func (r *recorder) Failed() bool { return r.objection() != nil }

func (r *recorder) Fail() { r.note("failed") }

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Error(args ...any) { r.note(fmt.Sprintln(args...)) }

func (r *recorder) Errorf(format string, args ...any) { r.note(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
