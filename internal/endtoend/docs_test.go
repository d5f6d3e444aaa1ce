package endtoend

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocsNameTestsThatExist: each claim of docs/protocol.md and docs/scale.md, and
// each bug in counter/doc.go, that is said to be shown by a test is.
func TestTheDocsNameTestsThatExist(t *testing.T) {
	have := allTests(t)
	for path, least := range map[string]int{"docs/protocol.md": 20, "docs/scale.md": 5, "counter/doc.go": 10} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+`).FindAllString(string(text), -1)
		if len(named) < least {
			t.Errorf("%s names %d tests: the check shows nothing", path, len(named))
		}
		for _, name := range named {
			if !have[name] {
				t.Errorf("%s names %s, which does not exist", path, name)
			}
		}
	}
	if have["TestThatNobodyWrote"] {
		t.Error("the check finds a test that is not there")
	}
}

func allTests(t *testing.T) map[string]bool {
	t.Helper()
	have := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
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
