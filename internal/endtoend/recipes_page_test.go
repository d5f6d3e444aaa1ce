package endtoend

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recipe is what a line of a page that has etcdctl or etcdutl in it is held to.
type recipe struct {
	does   string // the line, as it begins
	prints string // a regular expression
}

// expected is what each recipe for etcd has to print, by its heading. Three members, one of
// which leads, one replica, and the ledger of one series are there.
func expected() map[string][]recipe {
	const holder = `replica-0\.[a-z0-9]+`
	return map[string][]recipe{
		"etcd by hand": {
			{"CGO_ENABLED=0 go build", ``},
			{"etcdctl version", `etcdctl version: 3\.[0-9]+\.[0-9]+`},
		},
		"How etcd is": {
			{"etcdctl endpoint health", `(?s)(is healthy.*){3}`},
			{"etcdctl endpoint status", `(?s)IS LEADER.* true `},
			{"etcdctl member list", `(?s)( started .* m[012] .*){3}`},
			{"etcdctl alarm list", `^$`},
		},
		"What folio keeps there": {
			{"etcdctl get --prefix /folio/holders/", `^/folio/holders/` + holder + `\s*$`},
			{"etcdctl get --prefix /folio/held/", `^/folio/held/` + holder + `/acme/invoice/[0-9]{4}\s*$`},
			{"etcdctl get --prefix /folio/ledger/", `^/folio/ledger/acme/invoice/[0-9]{4}\s*$`},
			{"etcdctl get --print-value-only", `^\{"v":1,"mark":[0-9]+,.*"held":\[\{.*"free":\[`},
			{"etcdctl get -w fields", `"ModRevision" : [0-9]+`},
			{"etcdctl get --print-value-only --rev", `^\{"v":1,"mark":[0-9]+,`},
			{"etcdctl get --print-value-only /folio/postgres", `^\{"`},
		},
		"A snapshot": {
			{"ETCDCTL_ENDPOINTS=", `Snapshot saved at folio\.db`},
			{"etcdutl snapshot status", `(?s)HASH.*REVISION.*TOTAL KEYS.*\n\S +[0-9a-f]+ `},
		},
		"A snapshot is put back": {{"etcdutl snapshot restore", `restored snapshot`}},
		"The quota is reached": {
			{"revision=$(etcdctl endpoint status", `^$`},
			{"etcdctl compaction --physical", `compacted revision [0-9]+`},
			{"etcdctl defrag", `Finished defragmenting etcd member`},
			{"etcdctl alarm disarm", `memberID:[0-9]+ alarm:NOSPACE`},
		},
		"The note about Postgres cannot be read": {{"etcdctl del /folio/postgres", `^1\s*$`}},
		"The password of folio's user":           {{"etcdctl user passwd folio", `Password updated`}},
	}
}

var (
	byHand  = regexp.MustCompile(`\betcd(ctl|utl)\b`)
	heading = regexp.MustCompile(`(?m)^##+ (.*)$`)
	inText  = regexp.MustCompile("`(etcd(?:ctl|utl) [^`…]+)`")
	comment = regexp.MustCompile(`\s+# .*`)
)

// fenced returns the lines of the blocks of commands under each heading of a page, whatever
// the blocks are called; those that end in a backslash are one with the next.
func fenced(page string) map[string][]string {
	lines := make(map[string][]string)
	at, inside := "", false
	for line := range strings.Lines(strings.ReplaceAll(page, "\\\n", " ")) {
		line = comment.ReplaceAllString(strings.Join(strings.Fields(line), " "), "")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside && line != "":
			lines[at] = append(lines[at], line)
		case heading.MatchString(line) && !inside:
			at = heading.FindStringSubmatch(line)[1]
		}
	}
	return lines
}

// unproved says which recipes of pages nothing is expected of, what is expected of none, and
// what the text of a page tells to do that is no recipe.
func unproved(pages string, want map[string][]recipe) (wrong []string) {
	var all []string
	blocks := fenced(pages)
	for at, lines := range blocks {
		n := 0
		for _, line := range lines {
			if !byHand.MatchString(line) {
				continue
			}
			all = append(all, line)
			if n >= len(want[at]) || !strings.HasPrefix(line, want[at][n].does) {
				wrong = append(wrong, fmt.Sprintf("%s: nothing is expected of: %s", at, line))
			}
			n++
		}
	}
	for at, recipes := range want {
		n := len(slices.DeleteFunc(slices.Clone(blocks[at]), func(line string) bool { return !byHand.MatchString(line) }))
		for _, r := range recipes[min(n, len(recipes)):] {
			wrong = append(wrong, fmt.Sprintf("%s: the page has no longer: %s", at, r.does))
		}
	}
	for _, m := range inText.FindAllStringSubmatch(pages, -1) {
		if !slices.ContainsFunc(all, func(line string) bool { return strings.Contains(line, m[1]) }) {
			wrong = append(wrong, "the text has it, and no recipe does: "+m[1])
		}
	}
	slices.Sort(wrong)
	return wrong
}

// pages are those that tell an operator what to do by hand.
func pages(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"docs/operations.md", "docs/alerts.md", "docs/kubernetes.md", "README.md"} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestSomethingIsExpectedOfEachRecipeForEtcd(t *testing.T) {
	want := expected()
	for _, w := range unproved(pages(t), want) {
		t.Error(w)
	}
	n := 0
	for _, recipes := range want {
		n += len(recipes)
	}
	if n < 15 {
		t.Errorf("%d recipes: the check shows nothing", n)
	}
}

func TestARecipeOfWhichNothingIsExpectedIsNoticed(t *testing.T) {
	const page = "## Look\n\n```sh\nfolio audit\netcdctl get \\\n  /a  # why\n```\n\nor `etcdctl get /a`.\n"
	for name, c := range map[string]struct{ more, does, want string }{
		"all is expected":      {"", "etcdctl get", ""},
		"another line":         {"### Deep\n```\nx=$(etcdutl hashkv)\n```\n", "etcdctl get", "Deep: nothing is expected of: x=$(etcdutl hashkv)"},
		"a line was changed":   {"", "etcdctl del", "Look: nothing is expected of: etcdctl get"},
		"a line was removed":   {"", "", "Gone: the page has no longer: etcdctl member list"},
		"only the text has it": {"Do `etcdctl del /a`.\n", "etcdctl get", "the text has it, and no recipe does: etcdctl del /a"},
	} {
		want := map[string][]recipe{"Look": {{does: cmp.Or(c.does, "etcdctl get")}}}
		if c.does == "" {
			want["Gone"] = []recipe{{does: "etcdctl member list"}}
		}
		got := unproved(page+c.more, want)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
