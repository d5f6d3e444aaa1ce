package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// outcome is what a run of tests came to.
type outcome int

const (
	passed  outcome = iota
	broken          // a test reported a broken promise
	hung            // it did not end in time, or every goroutine waited for another
	crashed         // it failed without such a report
	unbuilt         // it did not compile
)

func (o outcome) String() string {
	return [...]string{"passed", "broken", "hung", "crashed", "not built"}[o]
}

// verdict is an outcome and what shows it.
type verdict struct {
	outcome outcome
	test    string
	why     string
}

// event is a line of what go test -json prints, as far as it is read here.
type event struct {
	Action string
	Test   string
	Output string
}

var (
	// A report is what a test says of itself: file, line, text.
	report = regexp.MustCompile(`^\s*[\w./-]+\.go:\d+: (.+)`)
	// Hollow is the report of a test that saw nothing to judge: it notices no fault.
	hollow = regexp.MustCompile(`(shows|tests) nothing`)
	// A hang is told of by package testing, or by testing/synctest.
	hang  = regexp.MustCompile(`^(panic: test timed out|(panic|fatal error): deadlock:|fatal error: all goroutines are asleep)`)
	crash = regexp.MustCompile(`^(panic|fatal error): `)
)

// reading is what has been read of a run so far.
type reading struct {
	said   []verdict // reports, of tests that may yet pass
	failed map[string]bool
	built  string // the compiler's first complaint
	ended  verdict
	last   string
}

// judge reads a run as go test -json tells it.
func judge(stream io.Reader) (verdict, error) {
	r := reading{failed: make(map[string]bool)}
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return verdict{}, fmt.Errorf("read what go test says: %w: %q", err, lines.Text())
		}
		r.read(e)
	}
	if err := lines.Err(); err != nil {
		return verdict{}, fmt.Errorf("read what go test says: %w", err)
	}
	return r.verdict(), nil
}

func (r *reading) read(e event) {
	text := strings.TrimRight(e.Output, "\n")
	switch e.Action {
	case "fail":
		r.failed[e.Test] = true
	case "build-output":
		if r.built == "" && !strings.HasPrefix(text, "#") {
			r.built = text
		}
	case "output":
		r.readOutput(e.Test, text)
	}
}

func (r *reading) readOutput(test, text string) {
	switch said := report.FindStringSubmatch(text); {
	case r.ended.outcome != passed: // what follows is a stack trace
	case hang.MatchString(text):
		r.ended = verdict{outcome: hung, test: test, why: text}
	case crash.MatchString(text):
		r.ended = verdict{outcome: crashed, test: test, why: text}
	case said != nil && test != "" && !hollow.MatchString(text):
		r.said = append(r.said, verdict{outcome: broken, test: test, why: said[1]})
	case text != "" && !strings.HasPrefix(text, "FAIL") && !strings.HasPrefix(text, "exit status"):
		r.last = text
	}
}

// verdict weighs what was read. A report counts only if its test failed; one that
// came before a crash cannot be told from a mere note, and does not count.
func (r *reading) verdict() verdict {
	switch {
	case r.built != "":
		return verdict{outcome: unbuilt, why: r.built}
	case r.ended.outcome != passed:
		return r.ended
	case len(r.failed) == 0:
		return verdict{}
	}
	for _, v := range r.said {
		if r.failed[v.test] {
			return v
		}
	}
	return verdict{outcome: crashed, why: "no test reported a broken promise: " + strings.TrimSpace(r.last)}
}
