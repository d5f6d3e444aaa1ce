package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestACommandLineIsReadCheckedAndHelped(t *testing.T) {
	for _, row := range []struct {
		name   string
		args   []string
		check  error
		status int
		done   bool
		stdout string // a part
		stderr string // all
	}{
		{"understood", []string{"--count", "3"}, nil, 0, false, "", ""},
		{"help", []string{"--help"}, nil, 0, true, "How many.", ""},
		{"help, whatever a check would say", []string{"--help"}, errors.New("checked"), 0, true, "How many.", ""},
		{"a flag that is not there", []string{"--nothing"}, nil, NotParsed, true, "", "tester: unknown flag --nothing\n"},
		{"an argument too many", []string{"more"}, nil, NotParsed, true, "", "tester: unexpected argument more\n"},
		{"refused by a check", nil, errors.New("no such thing"), NotParsed, true, "", "tester: no such thing\n"},
	} {
		var flags struct {
			Count int `help:"How many." default:"7"`
		}
		var stdout, stderr strings.Builder
		c := Command{Name: "tester", Description: "Tests.", Stdout: &stdout, Stderr: &stderr}
		checked := 0
		status, done := c.Parse(&flags, row.args, func() error { checked = flags.Count; return row.check }, func() error { return nil })
		if status != row.status || done != row.done {
			t.Errorf("%s: status %d, done %v", row.name, status, done)
		}
		if !strings.Contains(stdout.String(), row.stdout) || stderr.String() != row.stderr {
			t.Errorf("%s: stdout %q, stderr %q", row.name, stdout.String(), stderr.String())
		}
		if !row.done && checked != 3 {
			t.Errorf("%s: the check saw %d", row.name, checked)
		}
	}
}

func TestAnErrorIsSaidAndIsAStatus(t *testing.T) {
	var stderr strings.Builder
	c := Command{Name: "tester", Stderr: &stderr}
	if c.Status(nil) != 0 || stderr.Len() > 0 {
		t.Errorf("without an error it says %q", stderr.String())
	}
	if status := c.Status(errors.New("lost")); status != Failed || stderr.String() != "tester: lost\n" {
		t.Errorf("status %d, %q", status, stderr.String())
	}
}
