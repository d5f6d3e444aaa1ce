package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// traffic is a hammer at work.
type traffic struct {
	name    string
	cmd     *exec.Cmd
	out     bytes.Buffer
	history string
}

// startTraffic begins to send requests, until finish.
func (s *scene) startTraffic(name string, args ...string) error {
	t := &traffic{name: name, history: filepath.Join(s.dir, name+".jsonl")}
	t.cmd = exec.Command(s.f.Hammer, append([]string{
		"--urls", s.f.URL, "--keys", strings.Join(s.keys, ","), "--rate", fmt.Sprint(s.f.Rate), "--connections", "48",
		"--duration", "1h", "--close-share", "0.2", "--history", t.history, "--json",
	}, args...)...)
	t.cmd.Stdout, t.cmd.Stderr = &t.out, &t.out
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C at the keyboard ends the run, not the load alone
	if err := t.cmd.Start(); err != nil {
		return fmt.Errorf("start the load: %w", err)
	}
	s.traffic = t
	return nil
}

// abort ends a load of which nothing more is asked.
func (t *traffic) abort() {
	if t != nil && t.cmd.ProcessState == nil {
		_ = t.cmd.Process.Kill()
		_ = t.cmd.Wait()
	}
}

// finish ends the load and returns what hammer says of it.
func (t *traffic) finish() (load, error) {
	if err := t.cmd.Process.Signal(os.Interrupt); err != nil {
		return load{}, fmt.Errorf("end the load: %w", err)
	}
	bound := time.AfterFunc(3*time.Minute, func() { _ = t.cmd.Process.Kill() })
	defer bound.Stop()
	err := t.cmd.Wait()
	var said struct {
		Acknowledged, Unknown int
		Broken                map[string]int
	}
	if jsonErr := json.Unmarshal([]byte(lastLine(t.out.String())), &said); jsonErr != nil {
		return load{}, fmt.Errorf("hammer ended with %v and said: %s", err, t.out.String())
	}
	return load{Name: t.name, Held: err == nil, Acknowledged: said.Acknowledged, Unknown: said.Unknown, Broken: said.Broken}, nil
}

// happening is a line of hammer's history.
type happening struct {
	At      time.Time
	Kind    string
	Request string
	Cause   string
}

// read returns the history so far; a last line that is not whole yet is left out.
func (t *traffic) read() (all []happening, err error) {
	file, err := os.Open(t.history)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h happening
		if json.Unmarshal(lines.Bytes(), &h) == nil {
			all = append(all, h)
		}
	}
	return all, lines.Err()
}

// answered counts the answers so far.
func (t *traffic) answered() (int, error) {
	text, err := os.ReadFile(t.history)
	return bytes.Count(text, []byte(`"kind":"answered"`)), err
}

// count fills in what the load saw while a fault lasted.
func (f *fault) count(all []happening) {
	failed := make(map[string]int)
	for _, h := range all {
		if h.At.Before(f.Begun) || h.At.After(f.Ended) {
			continue
		}
		switch h.Kind {
		case "answered":
			f.Acknowledged++
		case "failed":
			failed[h.Request]++
		}
	}
	for _, n := range failed {
		if n == 1 {
			f.Once++
		} else {
			f.Twice++
		}
	}
}

// causes counts why requests failed while a fault lasted, for people.
func (f *fault) causes(all []happening) map[string]int {
	n := make(map[string]int)
	for _, h := range all {
		if h.Kind == "failed" && !h.At.Before(f.Begun) && !h.At.After(f.Ended) {
			n[h.Cause]++
		}
	}
	return n
}
