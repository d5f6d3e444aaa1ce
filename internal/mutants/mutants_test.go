package main

import (
	"bytes"
	"context"
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A small module with a simulation that notices when numbers repeat.
const (
	soundCode = `package counter

type Counter struct{ mark int }

func (c *Counter) Take() int {
	c.mark++ // the mark moves
	return c.mark
}
`
	soundTest = `package counter

import (
	"flag"
	"fmt"
	"testing"
)

var seeds, from = flag.Int("seeds", 1, ""), flag.Int("from", 0, "")

func TestSimulation(t *testing.T) {
	for seed := *from; seed < *from+*seeds; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			var c Counter
			for want := 1; want < 4; want++ {
				switch got := c.Take(); {
				case got < 0:
					t.Error("the simulation shows nothing")
				case got == 1000:
					t.Log("a note")
				case got == 2000 && seed < 5:
				case got != want:
					t.Errorf("got %d, want %d", got, want)
				}
			}
		})
	}
}
`
)

// target makes the small module.
func target(t *testing.T, code string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module small\n\ngo 1.26\n", "go.sum": "",
		"counter/counter.go": code, "counter/counter_test.go": soundTest,
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func planted(old, new string) mutant {
	return mutant{name: "fault", rule: "numbers differ", file: "counter/counter.go", old: old, new: new}
}

// try hunts m in the small module.
func try(t *testing.T, code string, m mutant) (told string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	h := &hunt{source: target(t, code), seeds: 6, atOnce: 2, timeout: 2 * time.Second, out: &out}
	err = h.run(ctx, []mutant{m})
	return out.String(), err
}

func TestAHuntTellsWhatBecameOfAMutant(t *testing.T) {
	hangs := planted("c.mark++ ", "for c.mark == 0 {\n\t}\n")
	counted := hangs
	counted.also = hung
	for name, c := range map[string]struct {
		mutant mutant
		want   string
		killed bool
	}{
		"one that breaks a promise is killed":        {planted("return c.mark", "return 7"), "TestSimulation/seed0: got 7, want 1", true},
		"one that changes nothing survives":          {planted("the mark moves", "the mark is moved"), "^TestSimulation$ passed", false},
		"one whose text is not there is an error":    {planted("c.mark--", "c.mark++"), "occurs 0 times in counter/counter.go", false},
		"one whose text is there twice is an error":  {planted("mark++", "mark--").of("c.mark"), "occurs 2 times", false},
		"one that replaces nothing is an error":      {planted("c.mark++", "c.mark++"), "replaces nothing", false},
		"one that does not compile is an error":      {planted("return c.mark", "return mark"), "undefined: mark", false},
		"one that hangs is not noticed":              {hangs, "hung, which the list does not count", false},
		"one that may be noticed by a hang is":       {counted, "test timed out", true},
		"one that panics is not noticed":             {planted("c.mark++", "panic(c.mark)"), "crashed, which the list does not count", false},
		"one that leaves nothing to see survives":    {planted("return c.mark", "return -1"), "crashed, which the list does not count: no test reported", false},
		"the last seed counts too":                   {planted("return c.mark", "return 2000"), "TestSimulation/seed5: got 2000, want 1", true},
		"a note in a test that passes is no report":  {planted("return c.mark", "return 1000"), "^TestSimulation$ passed", false},
		"a file that is not there makes it an error": {mutant{name: "fault", file: "counter/none.go", old: "a", new: "b"}, "no such file", false},
	} {
		t.Run(name, func(t *testing.T) {
			told, err := try(t, soundCode, c.mutant)
			if c.killed != (err == nil) || err != nil && !errors.Is(err, errNotAllKilled) {
				t.Errorf("the hunt ended with %v", err)
			}
			figure := "1 mutants, 0 killed"
			if c.killed {
				figure = "1 mutants, 1 killed, 0 survived, "
			}
			if !strings.Contains(told, c.want) || !strings.Contains(told, figure) {
				t.Errorf("told:\n%s\nwant in it: %q and %q", told, c.want, figure)
			}
		})
	}
}

// of returns m with another text to replace.
func (m mutant) of(old string) mutant {
	m.old = old
	return m
}

func TestTestsThatFailOnSoundCodeKillNothing(t *testing.T) {
	told, err := try(t, strings.Replace(soundCode, "return c.mark", "return 7", 1), planted("c.mark++", "c.mark--"))
	if err == nil || !strings.Contains(err.Error(), "the sound code does not pass") || strings.Contains(told, "killed") {
		t.Errorf("got %v, told %q", err, told)
	}
}

func TestAHuntThatIsInterruptedSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &hunt{source: target(t, soundCode), seeds: 1, atOnce: 1, timeout: time.Second, out: &bytes.Buffer{}}
	if err := h.run(ctx, []mutant{planted("c.mark++", "c.mark--")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Whoever changes the counter learns here, at once, which mutants have to follow.
func TestEveryMutantOfTheListCanBePlanted(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range mutants() {
		if m.rule == "" || seen[m.name] || !regexp.MustCompile(`^[a-z-]+$`).MatchString(m.name) {
			t.Errorf("%q: want a name of its own, of small letters, and a rule", m.name)
		}
		seen[m.name] = true
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m.file)))
		if err != nil {
			t.Fatal(err)
		}
		mutated, err := m.plant(string(text))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, mutated, 0); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestTheCommandLineIsUnderstoodOrRefused(t *testing.T) {
	var out, complaints bytes.Buffer
	if status := run(t.Context(), []string{"--list", "--only", "mark-short-by-one"}, &out, &complaints); status != 0 ||
		!strings.HasPrefix(out.String(), "mark-short-by-one (counter/ledger.go") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("status %d, printed %q", status, out.String())
	}
	for _, args := range [][]string{{"--only", "nobody"}, {"--seeds", "0"}, {"--what"}} {
		complaints.Reset()
		if status := run(t.Context(), args, &out, &complaints); status != 2 || complaints.Len() == 0 {
			t.Errorf("%v: status %d, complaint %q", args, status, complaints.String())
		}
	}
}
