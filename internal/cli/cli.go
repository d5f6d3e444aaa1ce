// Package cli reads the command line of the commands that have flags and no commands of
// their own, all alike: --help prints them and ends with 0; what is not understood is
// said on stderr and ends with 2.
package cli

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// Command is how a command calls itself, and where it speaks.
type Command struct {
	Name           string
	Description    string // for --help
	Stdout, Stderr io.Writer
}

// The exit statuses that all commands have in common. Others are their own.
const (
	Failed    = 1
	NotParsed = 2
)

// Parse reads args into flags, a pointer to a struct as kong describes it, and then checks
// them in turn. If that was all, done, the process ends with a status.
func (c Command) Parse(flags any, args []string, checks ...func() error) (status int, done bool) {
	helped := false
	parser, err := kong.New(flags, kong.Name(c.Name), kong.Description(c.Description),
		kong.Writers(c.Stdout, c.Stderr), kong.Exit(func(int) { helped = true }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if helped {
		return 0, true
	}
	for _, check := range checks {
		if err == nil {
			err = check()
		}
	}
	if err != nil {
		return c.say(err, NotParsed), true
	}
	return 0, false
}

// Status is what the process ends with: 0, or Failed behind a line that says why.
func (c Command) Status(err error) int {
	if err == nil {
		return 0
	}
	return c.say(err, Failed)
}

func (c Command) say(err error, status int) int {
	fmt.Fprintf(c.Stderr, "%s: %v\n", c.Name, err)
	return status
}
