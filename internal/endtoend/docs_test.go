package endtoend

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheProtocolNamesTestsThatExist: each row of docs/protocol.md that claims to
// be shown by a test is.
func TestTheProtocolNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\bTest[A-Z][A-Za-z]+`).FindAllString(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("docs/protocol.md names %d tests: the check shows nothing", len(named))
	}
	have := allTests(t)
	for _, name := range named {
		if !have[name] {
			t.Errorf("docs/protocol.md names %s, which does not exist", name)
		}
	}
	if have["TestThatNobodyWrote"] {
		t.Error("the check finds a test that is not there")
	}
}

func allTests(t *testing.T) map[string]bool {
	t.Helper()
	have := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z]+)\(`)
	err := filepath.WalkDir("../..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			have[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}
